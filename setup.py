"""Packaging of open-medical-r1: one tested version set, extras for what not everyone needs."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="open-medical-r1",
    version="0.1.0",
    description="Train language models to reason about medicine by GRPO with verifiable answers, and grade them honestly",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    package_dir={"": "src"},
    packages=find_packages("src"),
    package_data={"open_r1.report": ["assets/*"]},
    python_requires=">=3.11",
    install_requires=[
        "torch==2.13.0",
        "trl==1.16.0",
        "transformers==5.23.0",
        "accelerate==1.15.0",
        "datasets==5.2.0",
        "deepspeed==0.19.8",
        "peft==0.21.2",
        "math-verify==0.9.0",
        "jinja2",
        "matplotlib>=3.9",
        "pandas",
        "plotly>=6",
        "psutil",
        "pyarrow",
        "pydantic>=2",
        "pyyaml",
        "requests",
        "tqdm",
    ],
    entry_points={"inspect_ai": ["open_r1 = open_r1.evaluation._registry"]},
    extras_require={
        "eval": ["inspect-ai==0.3.285", "openai"],
        "vllm": ["vllm==0.30.0"],
        "quant": ["bitsandbytes>=0.46"],
        "docs": [
            "mkdocs>=1.6,<2",
            "mkdocs-material>=9.7,<10",
            "mkdocstrings[python]>=1,<2",
            "ipykernel",
            "ipywidgets",
            "nbclient",
            "nbconvert>=7",
            "pymdown-extensions",
        ],
        "tracking": ["wandb", "tensorboard", "trackio>=0.43"],
        "dev": ["hypothesis>=6", "pytest>=8", "pytest-xdist>=3.6", "ruff>=0.9", "selenium", "statsmodels"],
    },
)
