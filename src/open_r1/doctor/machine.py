"""The machine: GPUs and how they are wired, memory, shared memory, ports."""

from __future__ import annotations  # an older Python must get as far as being told so

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from open_r1.doctor.finding import Finding

GIB = 1024**3
LEAST_SHARED = 1 * GIB  # NCCL and dataloader workers pass tensors through /dev/shm
QUERY = "index,name,memory.total,memory.used,driver_version"


def gpus() -> list[dict]:
    """The GPUs as nvidia-smi lists them: {index, name, total, used (bytes), driver}; [] without a driver."""
    if shutil.which("nvidia-smi") is None:
        return []
    done = subprocess.run(
        ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines() if line.strip()]
    return [
        {
            "index": row[0],
            "name": row[1],
            "total": int(row[2]) * 1024**2,
            "used": int(row[3]) * 1024**2,
            "driver": row[4],
        }
        for row in rows
    ]


def look_at_gpus(wanted: bool) -> Iterator[Finding]:
    """GPUs, whether torch sees them, who else is on them, and the slowest link between two of them."""
    found = gpus()
    if not found:
        without = "no NVIDIA GPU (nvidia-smi finds none)"
        if wanted:
            yield Finding(
                "fail",
                "gpu",
                f"{without}, and the recipe trains on GPUs",
                "run where there are some, or add --use_cpu true --bf16 false --dtype float32",
            )
        else:
            yield Finding("ok", "gpu", f"{without}: training runs on the CPU")
        return
    names = ", ".join(f"{gpu['index']}: {gpu['name']} {gpu['total'] / GIB:.0f} GiB" for gpu in found)
    yield Finding("ok", "gpu", f"{names} (driver {found[0]['driver']})")
    for gpu in found:
        if gpu["used"] > gpu["total"] // 20:
            yield Finding(
                "warn",
                "gpu",
                f"GPU {gpu['index']} has {gpu['used'] / GIB:.1f} GiB in use already",
                "nvidia-smi says by whom; CUDA_VISIBLE_DEVICES leaves it out",
            )
    import torch

    if not torch.cuda.is_available():
        why = (
            "a CPU build"
            if torch.version.cuda is None
            else f"built for CUDA {torch.version.cuda}, which this driver does not run"
        )
        yield Finding(
            "fail",
            "torch",
            f"nvidia-smi lists {len(found)} GPUs, but torch {torch.__version__} sees none: it is {why}",
            "pip install --force-reinstall torch with a CUDA build that the driver supports",
        )
        return
    yield Finding(
        "ok", "torch", f"{torch.__version__} sees {torch.cuda.device_count()} GPUs, CUDA {torch.version.cuda}"
    )
    if len(found) > 1:
        topology = subprocess.run(["nvidia-smi", "topo", "-m"], capture_output=True, text=True, timeout=60).stdout
        yield slowest_link(topology)


# nvidia-smi's legend, from the slowest.
LINKS = {
    "SYS": "across CPU sockets",
    "NODE": "across PCIe host bridges",
    "PHB": "through a CPU's host bridge",
    "PXB": "across PCIe switches",
    "PIX": "through one PCIe switch",
    "NV": "NVLink",
}


def slowest_link(matrix: str) -> Finding:
    """The slowest connection between two GPUs in the matrix that `nvidia-smi topo -m` prints."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", matrix)
    rows = [line.split() for line in plain.splitlines() if re.match(r"GPU\d+\s", line)]
    pairs = {
        (first, second): rows[first][1 + second]
        for first in range(len(rows))
        for second in range(first + 1, len(rows))
        if len(rows[first]) > 1 + second
    }
    for kind, said in LINKS.items():
        slow = [pair for pair, link in pairs.items() if link.startswith(kind)]
        if slow and kind in ("SYS", "NODE", "PHB"):
            first, second = slow[0]
            return Finding(
                "warn",
                "topology",
                f"GPU {first} and GPU {second} are connected {said} ({len(slow)} of {len(pairs)} pairs)",
                "expect slow all-gathers under ZeRO-3; prefer GPUs of one switch (CUDA_VISIBLE_DEVICES)",
            )
        if slow:
            return Finding("ok", "topology", f"all pairs of GPUs by {said} or better")
    return Finding("warn", "topology", "nvidia-smi topo -m printed no matrix", "look at it yourself")


def memory_bytes() -> tuple[int, int]:
    """The machine's memory: all of it, and what is available now (a container's limit counts)."""
    values = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE))
    total, available = (int(values[name]) * 1024 for name in ("MemTotal", "MemAvailable"))
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdecimal():
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        total, available = min(total, int(text)), min(available, max(0, int(text) - used))
    return total, available


def look_at_memory() -> Iterator[Finding]:
    """Cores, memory and /dev/shm."""
    total, available = memory_bytes()
    yield Finding(
        "ok",
        "memory",
        f"{available / GIB:.1f} of {total / GIB:.1f} GiB available, {len(os.sched_getaffinity(0))} cores",
    )
    shared = shutil.disk_usage("/dev/shm").free if Path("/dev/shm").is_dir() else 0
    if shared < LEAST_SHARED:
        yield Finding(
            "warn",
            "memory",
            f"/dev/shm has {shared / GIB:.2f} GiB free",
            "start the container with --shm-size 16g: several processes exchange tensors there",
        )


def look_at_port(what: str, host: str, port: int, key: str) -> Finding:
    """Whether a server could listen on host:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding("fail", "port", f"{what}: {host}:{port}: {error.strerror}", f"give another with {key}")
    return Finding("ok", "port", f"{what}: {host}:{port} is free")
