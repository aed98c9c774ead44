#!/usr/bin/env python3
"""Runs a command on several hosts at the same time, which slow links join.

Each host is a network namespace with one device, a tun. This program carries packets between them, as a
switch does. It delays all of them and loses some, as `tc netem` does on the way out of each host. Each host
gets the variables that torchrun would set. The output is that of the first host. Needs root.

    hosts.py --hosts 3 --delay 10 --rate 100 --loss 0.1 -- cargo mixq retrain
"""

import argparse
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import tempfile
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
# Packets that wait in a host, as netem has.
QUEUE = 1000
PORT = 29500


def address(host):
    return f"10.77.0.{host + 1}"


def run(*words):
    subprocess.run(words, check=True)


def open_device(name, host):
    """The packets of a device, which then belongs to a namespace of the same name."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    run("ip", "netns", "add", name)
    run("ip", "link", "set", name, "netns", name)
    inside = ["ip", "-n", name]
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "address", "add", f"{address(host)}/24", "dev", name)
    run(*inside, "link", "set", name, "up")
    return device


def start(command, name, host, hosts):
    variables = {
        "RANK": host, "WORLD_SIZE": hosts, "LOCAL_RANK": 0,
        "MASTER_ADDR": address(0), "MASTER_PORT": PORT, "GLOO_SOCKET_IFNAME": name,
    }
    environment = os.environ | {key: str(value) for key, value in variables.items()}
    output = None if host == 0 else tempfile.TemporaryFile()
    words = ["ip", "netns", "exec", name, *command]
    return subprocess.Popen(words, env=environment, stdout=output, stderr=output), output


class Links:
    """Packets on their way."""

    def __init__(self, devices, arguments):
        self.devices = devices
        self.delay, self.loss = arguments.delay / 1000, arguments.loss / 100
        self.seconds_per_byte = 8 / (arguments.rate * 1e6) if arguments.rate else 0
        # When each host has sent all that it has; what is on its way, by when it comes.
        self.free = [0.0] * len(devices)
        self.flying, self.count = [], 0
        self.sent = self.lost = 0
        self.random = random.Random(1)

    def take(self, host):
        """What a host sends now."""
        while True:
            try:
                packet = os.read(self.devices[host], 65536)
            except BlockingIOError:
                return
            # IPv4 to one of the hosts: there is nothing else.
            if packet[0] >> 4 != 4 or packet[16:19] != bytes([10, 77, 0]):
                continue
            to, now = packet[19] - 1, time.monotonic()
            if not 0 <= to < len(self.devices):
                continue
            self.sent += 1
            waits = (self.free[host] - now) / (1500 * self.seconds_per_byte or 1)
            if self.random.random() < self.loss or waits > QUEUE:
                self.lost += 1
                continue
            self.free[host] = max(now, self.free[host]) + len(packet) * self.seconds_per_byte
            self.count += 1
            heapq.heappush(self.flying, (self.free[host] + self.delay, self.count, to, packet))

    def deliver(self):
        """Gives hosts what has come; the seconds until the next packet comes."""
        while self.flying:
            wait = self.flying[0][0] - time.monotonic()
            if wait > 0:
                return min(wait, 0.05)
            _, _, to, packet = heapq.heappop(self.flying)
            try:
                os.write(self.devices[to], packet)
            except BlockingIOError:
                self.lost += 1
        return 0.05


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0, help="ms, one way")
    parser.add_argument("--rate", type=float, default=0, help="Mbit/s out of each host; 0: no limit")
    parser.add_argument("--loss", type=float, default=0, help="%% of the packets")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    names = [f"mixq{os.getpid() % 100000}-{host}" for host in range(arguments.hosts)]
    processes = []
    try:
        devices = [open_device(name, host) for host, name in enumerate(names)]
        links = Links(devices, arguments)
        for host, name in enumerate(names):
            processes.append(start(arguments.command, name, host, arguments.hosts))
        wait = 0.05
        while any(process.poll() is None for process, _ in processes):
            for device in select.select(devices, [], [], wait)[0]:
                links.take(devices.index(device))
            wait = links.deliver()
        print(f"{links.sent} packets, {links.lost} of them lost", file=sys.stderr)
        for host, (process, output) in enumerate(processes):
            if process.returncode:
                said = ""
                if output:
                    output.seek(0)
                    said = output.read().decode()
                sys.exit(f"host {host} failed: {said}")
    finally:
        for process, _ in processes:
            process.kill()
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)


main()
