"""Two machines that are one: two network namespaces, and between them a link with a delay.

    sudo python -m benchmarks.two_machines --delay 1 -- python -m convcli train examples/digits.toml

runs one process of MPICH's mpiexec in each, by names and addresses of their own and on cores of their own, so
that they share no memory. Needs Linux, root, iproute2 (`ip`) and util-linux (`unshare`, `taskset`).

The link is a veth pair that `tc netem` delays. Where the kernel has no netem it is a pair of tun devices, and
this process hands the packets over, each when its time has come.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from fcntl import ioctl
from pathlib import Path
from threading import Thread, get_native_id

NAMES = ("machine-a", "machine-b")
ADDRESSES = ("10.77.0.1", "10.77.0.2")
DEVICE = "cable"
MTU = 65_000  # bytes of a packet: few of them for the process between
NEW_NETWORK, TUN, NO_HEADER, SET_DEVICE = 0x40000000, 0x1, 0x1000, 0x400454CA  # CLONE_NEWNET …, TUNSETIFF


class TwoMachines:
    """Two namespaces with a link between them: a context.

    Parameters
    ----------
    delay
        Seconds that a packet takes in either direction; there and back takes twice that.
    rate
        Bytes a second in either direction; as many as go if not given.
    """

    def __init__(self, delay: float, rate: float | None = None) -> None:
        self.delay, self.rate = delay, rate
        self.spaces = [f"{name}-{os.getpid()}" for name in NAMES]
        self.made_of = ""
        self._open = ExitStack()

    def __enter__(self) -> TwoMachines:
        with ExitStack() as made:
            for space in self.spaces:
                _do("ip", "netns", "add", space)
                made.callback(_do, "ip", "netns", "del", space)
            self.made_of = "veth and tc netem" if self._veth() else "tun devices and a relay"
            if not self.made_of.startswith("veth"):
                made.enter_context(_relayed(self.spaces, self.delay, self.rate))
            for space, address in zip(self.spaces, ADDRESSES, strict=True):
                _do("ip", "-n", space, "addr", "add", f"{address}/24", "dev", DEVICE)
                for device in (DEVICE, "lo"):
                    _do("ip", "-n", space, "link", "set", device, "up")
            self._folder = Path(made.enter_context(tempfile.TemporaryDirectory()))
            self._open = made.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def round_trip(self, times: int = 20) -> float:
        """Return the median seconds that a small packet takes there and back."""
        ends = []
        for space, address in zip(self.spaces, ADDRESSES, strict=True):
            with _entered(space):
                ends.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            ends[-1].bind((address, 0))
            ends[-1].settimeout(5)
        taken = []
        with ends[0] as here, ends[1] as there:
            for _ in range(times):
                begun = time.perf_counter()
                here.sendto(b"?", there.getsockname())
                there.sendto(b"!", there.recvfrom(1)[1])
                here.recv(1)
                taken.append(time.perf_counter() - begun)
        return statistics.median(taken)

    def run(self, command: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
        """Run a command on both, as the two ranks of one job; options are those of `subprocess.run`."""
        agent = self._folder / "agent"
        cases = "\n".join(
            f'  {address}) exec {shlex.join(self._inside(place))} sh -c "$*" ;;'
            for place, address in enumerate(ADDRESSES)
        )
        # Hydra calls it as it would ssh: options, a host, a command.
        agent.write_text(
            f'#!/bin/sh\nwhile [ "${{1#-}}" != "$1" ]; do shift; done\nhost=$1; shift\n'
            f"case $host in\n{cases}\nesac\n"
        )
        agent.chmod(0o755)
        job = ["mpiexec", "-launcher", "ssh", "-launcher-exec", str(agent), "-iface", DEVICE]
        job += ["-hosts", ",".join(ADDRESSES), "-n", "2", *command]
        # Else UCX, below MPICH, would see that it is one machine, and take its memory.
        environment = {**os.environ, "UCX_TLS": "tcp,self", "UCX_NET_DEVICES": DEVICE}
        return subprocess.run([*self._inside(0), *job], env=environment, **options)  # type: ignore[call-overload, no-any-return]

    def _inside(self, place: int) -> list[str]:
        """Return what a command begins with that runs on one of them: its network, its name, its cores."""
        cores = sorted(os.sched_getaffinity(0))
        own = cores[place * len(cores) // 2 : (place + 1) * len(cores) // 2] or cores
        named = f'hostname {NAMES[place]}; exec "$@"'
        return [
            *("ip", "netns", "exec", self.spaces[place], "unshare", "--uts"),
            *("taskset", "-c", ",".join(map(str, own)), "sh", "-c", named, "sh"),
        ]

    def _veth(self) -> bool:
        """Make a link that the kernel delays; return False if it cannot."""
        first, second = self.spaces
        ends = ("name", DEVICE, "type", "veth", "peer", "name", DEVICE, "netns", second)
        _do("ip", "-n", first, "link", "add", *ends)
        late = ["netem", "delay", f"{self.delay * 1e6:.0f}us", "limit", "100000"]
        late += ["rate", f"{self.rate * 8:.0f}bit"] if self.rate else []
        try:
            for space in self.spaces:
                _do("ip", "netns", "exec", space, "tc", "qdisc", "add", "dev", DEVICE, "root", *late)
        except subprocess.CalledProcessError as error:
            if "unknown" not in error.stderr:
                raise
            _do("ip", "-n", first, "link", "del", DEVICE)
            return False
        return True


def _do(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@contextmanager
def _relayed(spaces: Sequence[str], delay: float, rate: float | None) -> Iterator[None]:
    """Hand the packets of two tun devices over to each other while the context lasts."""
    devices = [_device(space) for space in spaces]
    stop, ask = os.pipe()
    relay = Thread(target=_relay, args=(devices, stop, delay, rate), daemon=True)
    relay.start()
    try:
        yield
    finally:
        os.close(ask)
        relay.join()
        for number in (*devices, stop):
            os.close(number)


@contextmanager
def _entered(space: str) -> Iterator[None]:
    """Be in a namespace; what is opened there stays there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/net").open("rb") as here, Path("/run/netns", space).open("rb") as there:
        if libc.setns(there.fileno(), NEW_NETWORK):
            raise OSError(ctypes.get_errno(), f"{space}: cannot be entered")
        try:
            yield
        finally:
            libc.setns(here.fileno(), NEW_NETWORK)


def _device(space: str) -> int:
    """Return the open end of a new tun device in a namespace."""
    asked = DEVICE.encode().ljust(16, b"\0") + (TUN | NO_HEADER).to_bytes(2, "little") + bytes(22)
    with _entered(space):
        number = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        ioctl(number, SET_DEVICE, asked)
    _do("ip", "-n", space, "link", "set", DEVICE, "mtu", str(MTU), "txqueuelen", "10000")
    return number


def _relay(devices: Sequence[int], stop: int, delay: float, rate: float | None) -> None:
    """Read packets from either device, and write each to the other `delay` later, until `stop` ends."""
    os.setpriority(os.PRIO_PROCESS, get_native_id(), -20)  # ranks that wait for each other take all cores
    waiting: dict[int, deque[tuple[float, bytes]]] = {number: deque() for number in devices}
    free = dict.fromkeys(devices, 0.0)  # when what was sent before is through
    other = dict(zip(devices, reversed(devices), strict=True))
    while True:
        first = min((packets[0][0] for packets in waiting.values() if packets), default=None)
        rest = None if first is None else max(0.0, first - time.perf_counter())
        ready, _, _ = select.select([*devices, stop], [], [], rest)
        if stop in ready:
            return
        for number in ready:
            with suppress(BlockingIOError):
                while True:
                    packet = os.read(number, MTU)
                    now = time.perf_counter()
                    if rate is not None:
                        free[number] = now = max(now, free[number]) + len(packet) / rate
                    waiting[other[number]].append((now + delay, packet))
        for number, packets in waiting.items():
            while packets and packets[0][0] <= time.perf_counter():
                with suppress(OSError):  # a device whose queue is full loses a packet, as networks do
                    os.write(number, packets[0][1])
                packets.popleft()


def main() -> int:
    """Run what the command line says, and return the exit code of mpiexec."""
    told = argparse.ArgumentParser(
        prog="python -m benchmarks.two_machines",
        description="Run a command as the two ranks of a job on two machines with a slow link, on this one.",
    )
    told.add_argument("--delay", type=float, default=1.0, metavar="MS", help="one way; 1 unless given")
    told.add_argument("--rate", type=float, metavar="MBIT", help="megabits a second; unlimited unless given")
    told.add_argument("command", nargs="+", help="what to run on both, behind --")
    asked = told.parse_args()
    needed = ("ip", "tc", "unshare", "taskset", "mpiexec")
    if os.geteuid():
        sys.exit("Needs root: network namespaces and links are made.")
    if missing := [name for name in needed if not shutil.which(name)]:
        sys.exit(f"Needs {', '.join(missing)}, which is not installed.")
    with TwoMachines(asked.delay / 1000, asked.rate and asked.rate * 1e6 / 8) as machines:
        there_and_back = machines.round_trip() * 1000
        sys.stderr.write(f"link: {machines.made_of}; there and back {there_and_back:.2f} ms\n")
        return machines.run(asked.command).returncode


if __name__ == "__main__":
    sys.exit(main())
