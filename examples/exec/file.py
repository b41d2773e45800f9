#!/usr/bin/env python3
"""A platform that is a file: a driver for sluice in the protocol of docs/exec.md.

A resource is the path of a JSON file that says what runs, {"release": "r1"}. The releases
are listed in releases.json in the same folder. Whatever reads the file serves what it
says; where that splits traffic, the file has a canary too.
"""
import fcntl
import json
import os
import pathlib
import sys

PROTOCOL = "sluice.exec/v1"


class Refused(Exception):
    """An error in the protocol's words."""

    def __init__(self, code, message, **more):
        super().__init__(message)
        self.error = {"code": code, "message": message, **more}


def describe(_):
    return {"kinds": ["deploy", "rollback", "weight", "stable", "disable"], "settle": "0s"}


def live(request):
    place = read(request)
    return {
        "release": release(request, place["release"]) if place["release"] else None,
        "canary": canary(request, place),
        "state": place,
    }


def canary(request, place):
    if "canary" not in place:
        return None
    return {"release": release(request, place["canary"]), "percent": place["percent"]}


def resolve(request):
    known = releases(request)
    if request["name"] == "latest":
        return {"release": max(known, key=lambda r: r["createTime"])}
    return {"release": release(request, request["name"])}


def begin(request):
    effect, path = request["effect"], path_of(request)
    read(request)  # it is there
    with open(path, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        now = json.load(file)
        if now != effect["before"]:
            raise Refused("retryable", f"{path} was changed since it was read", stale=True)
        after = {"release": effect["release"]["id"], "changes": now.get("changes", 0) + 1}
        release(request, after["release"])
        if effect["kind"] == "weight":
            after.update(release=now["release"], canary=effect["release"]["id"], percent=effect["percent"])
        file.seek(0)
        json.dump(after, file)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    return {"status": "succeeded"}


def poll(_):
    return {"status": "succeeded"}  # a file has changed when it was written


def trial(request):
    """Places for `sluice conform`."""
    folder = pathlib.Path(request["directory"])
    known = [{"id": f"r{n}", "createTime": f"2026-03-0{n}T09:00:00Z"} for n in (1, 2, 3)]
    (folder / "releases.json").write_text(json.dumps(known), encoding="utf-8")
    for name, runs in (("source", "r2"), ("target", "r1"), ("empty", None)):
        (folder / f"{name}.json").write_text(json.dumps({"release": runs}), encoding="utf-8")
    places = {name: str(folder / f"{name}.json") for name in ("source", "target", "empty", "unknown")}
    return {"trial": {**places, "other": "r3"}}


def path_of(request):
    return pathlib.Path(request["target"]["resource"])


def read(request):
    try:
        return json.loads(path_of(request).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused("notFound", f"there is no file {path_of(request)}", remedy="check exec.resource") from None


def releases(request):
    return json.loads((path_of(request).parent / "releases.json").read_text(encoding="utf-8"))


def release(request, name):
    for known in releases(request):
        if known["id"] == name:
            return known
    raise Refused("notFound", f"there is no release {name!r}", remedy="name one of releases.json")


def main():
    request = json.load(sys.stdin)
    answers = {f.__name__: f for f in (describe, live, resolve, begin, poll, trial)}
    try:
        if request.get("protocol") != PROTOCOL or request["operation"] not in answers:
            raise Refused("unsupported", f"this speaks {PROTOCOL}: {', '.join(answers)}")
        answer = answers[request["operation"]](request)
    except Refused as refused:
        answer = {"error": refused.error}
    json.dump({"protocol": PROTOCOL, **answer}, sys.stdout)


if __name__ == "__main__":
    main()
