#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes up litmus tests, and asks oracle.py for their answers.

usage: generate.py KIND FIRST COUNT [large] >FILE.c

KIND is atomics (loads, stores, read-modify-writes, fences of all orders), waits
(the same, and loops that wait for a value), races (the same, and plain
accesses: about half of them race) or locks (critical sections around
plain variables, choices, threads of threads). The same numbers give the same
tests. Large ones have too many schedules to try all: only their graphs are
compared.
"""
import math
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import oracle  # noqa: E402

STYLES = {  # operations and orders, as often as they are named
    "mixed": ("LOAD LOAD LOAD STORE STORE STORE ADD EXCHANGE CAS FENCE",
              "relaxed relaxed acquire release seq_cst"),
    "sc": ("LOAD LOAD STORE STORE ADD EXCHANGE CAS",
           "seq_cst seq_cst seq_cst acquire release relaxed"),
    "fences": ("LOAD LOAD STORE STORE FENCE FENCE ADD",
               "relaxed relaxed relaxed acquire release"),
    "changes": ("ADD EXCHANGE CAS CAS LOAD STORE",
                "relaxed acquire release acq_rel seq_cst"),
}
LEGAL = {
    "LOAD": "relaxed acquire seq_cst",
    "STORE": "relaxed release seq_cst",
    "FENCE": "acquire release acq_rel seq_cst seq_cst",
}
ANY_ORDER = "relaxed acquire release acq_rel seq_cst"
STEPS_MAX = {"atomics": 8, "waits": 8, "races": 9, "locks": 14}
ORDERS_MAX = {"atomics": 20000, "waits": 1000, "races": 20000, "locks": 20000}
SMALL = {"graphs": (3, 400), "outcomes": 40, "steps": 0, "ops": 4}
LARGE = {"graphs": (50, 400), "outcomes": 400, "steps": 3, "ops": 5}


class Unfit(Exception):
    pass


class Writer:
    """Makes up one test."""

    def __init__(self, seed, size):
        self.size = size
        self.draw = random.Random(seed)
        self.registers = list("abcdefgh")
        self.used = []

    def pick(self, text):
        return self.draw.choice(text.split())

    def once_in(self, count):
        return self.draw.randrange(count) == 0

    def register(self):
        if not self.registers:
            raise Unfit
        self.used.append(self.registers.pop(0))
        return self.used[-1]

    def atomic(self, style, locations):
        """A step, and the register that it sets."""
        ops, orders = STYLES[style]
        op = self.pick(ops)
        legal = LEGAL.get(op, ANY_ORDER)
        order = self.pick(orders)
        if order not in legal.split():
            order = self.pick(legal)
        at = self.draw.choice(locations)
        value = self.pick("1 2 3")
        if op == "FENCE":
            return "FENCE(%s);" % order, None
        if op == "STORE":
            return "STORE(%s, %s, %s);" % (at, value, order), None
        reg = self.register()
        what = {"LOAD": "", "CAS": self.pick("0 0 1 2") + ", " + value + ", "}
        return "%s(%s, %s, %s%s);" % (op, reg, at,
                                      what.get(op, value + ", "), order), reg

    def atomics(self):
        style = self.draw.choice(sorted(STYLES))
        locations = "xyz"[:self.pick_count(1, 3)]
        threads = self.pick_count(2, 3)
        most = self.size["ops"] - (threads == 3)
        bodies = []
        for _ in range(threads):
            count = self.pick_count(2, most)
            steps = [self.atomic(style, locations) for _ in range(count)]
            body = [text for text, _ in steps]
            known = [reg for _, reg in steps[:-1] if reg]
            if known and self.once_in(3):
                body[-1] = "if (%s == %s) %s" % (
                    self.draw.choice(known), self.pick("0 1 2"), body[-1])
            bodies.append(body)
        return bodies, locations

    def waits(self):
        """Some loads wait, and most find what they wait for."""
        bodies, locations = self.atomics()
        for body in bodies:
            for i, step in enumerate(body):
                if step.startswith("LOAD") and self.once_in(2):
                    head, order = step.rsplit(", ", 1)
                    body[i] = "AWAIT%s, %s, %s" % (
                        head[4:], self.pick("0 1 2 3"), order)
        if "AWAIT" not in "\n".join(sum(bodies, [])):
            raise Unfit
        return bodies, locations

    def races(self):
        """Plain accesses, most of them where a register says so."""
        bodies, locations = self.atomics()
        for i, body in enumerate(bodies):
            at = self.pick_count(0, len(body))
            known = [step[step.index("(") + 1] for step in body[:at]
                     if not step.startswith(("STORE", "FENCE", "if"))]
            if self.once_in(3):
                step = "GET(%s, p);" % self.register()
            else:
                step = "SET(p, %s);" % self.pick("1 2 3")
            if i and not known:
                raise Unfit
            if i:
                step = "if (%s == %s) %s" % (self.draw.choice(known),
                                             self.pick("0 1 2 3"), step)
            body.insert(at, step)
        return bodies, locations

    def pick_count(self, least, most):
        return self.draw.randrange(least, most + 1)

    def section(self, inner=False):
        """A critical section: p belongs to l and q to m."""
        outer = not inner and self.once_in(2)
        lock, at = ("l", "p") if outer else ("m", "q")
        lines = ["LOCK(%s);" % lock]
        if self.once_in(2):
            reg = self.register()
            lines += ["GET(%s, %s);" % (reg, at),
                      "SET(%s, %s + %s);" % (at, reg, self.pick("1 2"))]
        else:
            lines.append("SET(%s, %s);" % (at, self.pick("1 2 3")))
        if outer and self.once_in(3):
            lines += self.section(inner=True)
        return lines + ["UNLOCK(%s);" % lock]

    def tried(self):
        reg = self.register()
        return ["TRY(%s, l);" % reg] + [
            "if (%s == 1) %s" % (reg, step)
            for step in ("SET(p, %s);" % self.pick("1 2 3"), "UNLOCK(l);")]

    def locks(self):
        threads = self.pick_count(2, 3)
        bodies = []
        for _ in range(threads):
            body = []
            for _ in range(self.pick_count(1, self.size["ops"] - threads)):
                body += self.tried() if self.once_in(6) else self.section()
            if self.once_in(2):
                step = self.atomic("mixed", "xy")[0]
                body.insert(self.draw.choice([0, len(body)]), step)
            if self.once_in(3):
                reg = self.register()
                body = ["CHOOSE(%s, 2);" % reg,
                        "if (%s == 1) STORE(x, 1, release);" % reg] + body
            bodies.append(body)
        if threads == 2:
            at = self.pick_count(0, 1)
            bodies[at] = ["SPAWN(2, CHILD);"] + bodies[at] + ["JOIN(2);"]
            bodies.append(self.section())
        return bodies, "pqxy"


def spelled(name, bodies, names, answers):
    """The test as text."""
    lines = []
    count = len(bodies)
    whole = "\n".join(sum(bodies, []))
    child = name + "_%d" % (count - 1) if "CHILD" in whole else None
    order = range(count)
    if child:  # it is defined before it is named
        order = [count - 1] + list(range(count - 1))
    for i in order:
        lines.append("static void %s_%d(void) {" % (name, i))
        for step in bodies[i]:
            step = step.replace("CHILD", child or "")
            if step.startswith("if"):
                head, step = step.split(") ", 1)
                lines += ["    " + head + ")", "        " + step]
            else:
                lines.append("    " + step)
        lines.append("}")
    threads = ["%s_%d" % (name, i) for i in range(count - bool(child))]
    if answers is None:
        lines.append("RACE(%s, %s)" % (name, ", ".join(threads)))
        return "\n".join(lines) + "\n"
    outcomes, graphs = answers
    lines.append('LITMUS(%s, "%s", %d, OUTCOMES(%s), %s)' % (
        name, names, graphs, oracle.spelled(outcomes, len(names)),
        ", ".join(threads)))
    return "\n".join(lines) + "\n"


def meet(search):
    """Do two threads come to the plain variable in one execution?"""
    return any(len({event.key[0] for event in graph.events if event.plain}) > 1
               for graph in search.complete)


def orders(bodies):
    """In how many orders can the steps be taken? A wait looks often."""
    counts = [len(body) + 6 * sum("AWAIT" in step for step in body)
              for body in bodies]
    return math.factorial(sum(counts)) // math.prod(map(math.factorial, counts))


def fit(kind, number, size):
    """The test of that number: the first that is small and has no race."""
    least, most = size["graphs"]
    name = "%s_%d" % (kind, number)
    for attempt in range(1000):
        writer = Writer("%s %d" % (name, attempt), size)
        try:
            bodies, finals = getattr(writer, kind)()
        except Unfit:
            continue
        whole = "\n".join(sum(bodies, []))
        names = "".join(writer.used) + "".join(
            at for at in finals if "(" + at in whole or ", " + at in whole)
        steps = STEPS_MAX[kind] + size["steps"]
        if len(sum(bodies, [])) > steps or len(names) > 12:
            continue
        if size is SMALL and orders(bodies) > ORDERS_MAX[kind]:
            continue
        text = spelled(name, bodies, names, ([0], 0))
        program = oracle.parse(text)[0]
        try:
            outcomes, graphs, search = oracle.answer(program,
                                                     limit=10 * most)
        except oracle.Race:
            if kind != "races" or number % 2:
                continue
            return name, spelled(name, bodies, names, None)
        except oracle.Wrong:
            continue
        if kind == "races" and (number % 2 == 0 or not meet(search)):
            continue
        if (search.stuck or not least <= graphs <= most
                or len(outcomes) > size["outcomes"]):
            continue
        if kind == "waits":  # the looks before the last one are many
            graphs = 0
        return name, spelled(name, bodies, names, (outcomes, graphs))
    raise oracle.Wrong("no test number %d is fit" % number)


def main(kind, first, count, large=""):
    first, count = int(first), int(count)
    print("// SPDX-License-Identifier: MIT")
    print("// Made by generate.py %s %d %d%s, and laid out by clang-format." %
          (kind, first, count, large and " " + large))
    print('#include "model/litmus/litmus.h"\n')
    tests = []
    for number in range(first, first + count):
        name, text = fit(kind, number, LARGE if large else SMALL)
        tests.append(name)
        print(text)
    print("const mc_case mc_cases[] = {")
    for name in tests:
        table = "GRAPHS" if large else "BOTH"
        if kind == "races" and name.endswith(tuple("02468")):
            table = "RACY"
        print("    %s(%s)," % (table, name))
    print("    {.name = NULL},\n};")
    return 0


if __name__ == "__main__":
    if (len(sys.argv) not in (4, 5) or sys.argv[1] not in STEPS_MAX
            or sys.argv[4:] not in ([], ["large"])):
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(2)
    try:
        sys.exit(main(*sys.argv[1:]))
    except oracle.Wrong as problem:
        print("generate.py:", problem, file=sys.stderr)
        sys.exit(1)
