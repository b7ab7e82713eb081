#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second opinion on the model checker: what tiny programs may do in RC11.

It reads the litmus tests as text (litmus.h says what they are made of) and
builds all their execution graphs event by event, each read from any write,
each write anywhere in modification order, and keeps those that the axioms of
"Repairing sequential consistency in C/C++11" (PLDI 2017) allow, written down
here as they stand there. It shares nothing with the checker and is far slower.

A release sequence is that of C++20: its head, then read-modify-writes only. A
lock is a word: taking it an acquiring exchange that found 0, giving it back a
releasing store.

usage: oracle.py check FILE...        outcomes and counts of the files are right
       oracle.py table FILE...        what they are, as a Markdown table
       oracle.py outcomes FILE TEST   the graphs of one test, each
       oracle.py random KIND FIRST COUNT   a file of random tests, with answers
"""
import random
import re
import sys

RELEASES = ("release", "acq_rel", "seq_cst")
ACQUIRES = ("acquire", "acq_rel", "seq_cst")


class Event:
    """One event of a graph; `key` is its thread and its place in it."""

    def __init__(self, key, op, loc=None, order=None):
        self.key, self.op, self.loc, self.order = key, op, loc, order
        self.reads = self.writes = self.plain = False
        self.source = None  # the event it reads from; None: the initial value
        self.found = self.value = None
        self.sb = 0  # those before it in its thread, and spawns of it
        self.hb = 0  # all that happen before it
        self.bit = 0
        self.heard = 0  # what synchronises with an acquire fence after it

    def sc(self):
        return self.order == "seq_cst"

    def fence(self):
        return self.op == "FENCE"


class Wrong(Exception):
    pass


class Race(Wrong):
    pass


class Graph:
    """A graph under construction, and where its threads have got to."""

    def __init__(self, program):
        self.program = program
        self.events = []
        self.order = {}  # location: its writes in modification order
        self.bodies = dict(enumerate(program.bodies))
        self.at = {t: 0 for t in self.bodies}
        self.last = {t: 0 for t in self.bodies}  # its past: a mask of events
        self.regs = {}
        self.taken = {}  # what distinguishes this graph: choices and sources
        self.waiting = {}  # threads that look in vain, and what they saw last

    def copy(self):
        new = Graph.__new__(Graph)
        new.program = self.program
        new.events = list(self.events)
        new.order = dict(self.order)
        new.bodies = dict(self.bodies)
        new.at, new.last = dict(self.at), dict(self.last)
        new.regs, new.taken = dict(self.regs), dict(self.taken)
        new.waiting = dict(self.waiting)
        return new

    def identity(self):
        order = tuple(sorted((loc, tuple(e.key for e in writes))
                             for loc, writes in self.order.items()))
        return (order, tuple(sorted(self.at.items())),
                tuple(sorted(self.taken.items())), tuple(sorted(self.waiting)))

    def deadlock(self):
        """Do those who look in vain see what is newest?"""
        return all(self.order.get(event.loc, (None,))[-1] is event.source
                   for event in self.waiting.values())

    def value(self, text):
        parts = [part.strip() for part in text.split("+")]
        return sum(int(part) if part.isdigit() else self.regs.get(part, 0)
                   for part in parts)

    def add(self, thread, event, past=0):
        """The event joins the graph; `past` are more that happen before it."""
        event.bit = 1 << len(self.events)
        event.sb = self.last[thread]
        event.hb = event.sb
        for other in self.events:
            if (event.sb | past) & other.bit:
                event.hb |= other.bit | other.hb
        self.events.append(event)
        self.last[thread] = event.sb | event.bit
        self.at[thread] += 1

    def sources(self, write):
        """What synchronises with one who acquires from `write`."""
        mask, head = 0, write
        while head is not None and not head.plain:
            if head.order in RELEASES:
                mask |= head.bit
            for other in self.events:
                if (other.fence() and other.order in RELEASES
                        and head.sb & other.bit):
                    mask |= other.bit
            head = head.source if head.reads else None
        return mask

    def reading(self, thread, event):
        """The past that a read or an acquire fence learns of."""
        if event.fence():
            past = 0
            if event.order in ACQUIRES:
                for other in self.events:
                    if self.last[thread] & other.bit:
                        past |= other.heard
            return past
        if event.source is None or event.plain:
            return 0
        event.heard = self.sources(event.source)
        return event.heard if event.order in ACQUIRES else 0


def matrix(events, related):
    return [sum(b.bit for b in events if related(a, b)) for a in events]


def compose(events, first, second):
    out = []
    for row in first:
        mask = 0
        for i, event in enumerate(events):
            if row & event.bit:
                mask |= second[i]
        out.append(mask)
    return out


def closure(relation):
    reach = list(relation)
    for k in range(len(reach)):
        for i in range(len(reach)):
            if reach[i] >> k & 1:
                reach[i] |= reach[k]
    return reach


def union(*relations):
    return [sum_or(rows) for rows in zip(*relations)]


def sum_or(rows):
    mask = 0
    for row in rows:
        mask |= row
    return mask


def irreflexive(relation):
    return not any(row >> i & 1 for i, row in enumerate(relation))


def consistent(graph):
    """The axioms of RC11; sb and rf have no cycle by construction."""
    events = graph.events
    place = {}
    for writes in graph.order.values():
        for i, write in enumerate(writes):
            place[write.key] = i + 1

    def source_place(event):
        return place[event.source.key] if event.source else 0

    def same(one, two):
        return one.loc is not None and one.loc == two.loc

    def before(one, two):  # modification order
        return (same(one, two) and one.writes and two.writes
                and place[one.key] < place[two.key])

    def from_read(one, two):
        return (same(one, two) and one.reads and two.writes and one is not two
                and source_place(one) < place[two.key])

    hb = matrix(events, lambda one, two: two.hb & one.bit)
    rf = matrix(events, lambda one, two: two.reads and two.source is one)
    mo = matrix(events, before)
    rb = matrix(events, from_read)
    eco = closure(union(rf, mo, rb))
    # coherence: hb ; eco? is irreflexive
    if not irreflexive(hb) or not irreflexive(compose(events, hb, eco)):
        return False
    # atomicity: nothing between a read-modify-write and what it read
    for event in events:
        if (event.reads and event.writes
                and place[event.key] != source_place(event) + 1):
            return False
    return sequential(events, hb, mo, rb, eco, same)


def sequential(events, hb, mo, rb, eco, same):
    """The axiom of seq_cst: psc has no cycle."""
    if sum(event.sc() for event in events) < 2:
        return True
    sb = matrix(events, lambda one, two: two.sb & one.bit)
    apart = matrix(events,
                   lambda one, two: two.sb & one.bit and not same(one, two))
    hb_here = matrix(events,
                     lambda one, two: two.hb & one.bit and same(one, two))
    own = [event.bit for event in events]
    maybe_hb = union(own, hb)
    scb = union(sb, compose(events, compose(events, apart, hb), apart),
                hb_here, mo, rb)
    sc = [event.bit if event.sc() else 0 for event in events]
    fence = [bit if event.fence() else 0 for event, bit in zip(events, sc)]
    left = union(sc, compose(events, fence, maybe_hb))
    right = union(sc, compose(events, maybe_hb, fence))
    base = compose(events, compose(events, left, scb), right)
    long_way = compose(events, compose(events, hb, eco), hb)
    fences = compose(events, compose(events, fence, union(hb, long_way)),
                     fence)
    return irreflexive(closure(union(base, fences)))


class Program:
    """One test: its bodies are lists of (guard, operation, arguments)."""

    def __init__(self, name, names, graphs, outcomes, bodies, library):
        self.name, self.names = name, names
        self.graphs, self.outcomes = graphs, outcomes
        self.library = library
        self.texts = bodies
        self.bodies = [library[body] for body in bodies]


def plain_checked(graph, event):
    """A plain access is ordered with all that conflict, or it is a race."""
    for other in graph.events:
        if other is event or other.loc != event.loc:
            continue
        if (event.writes or other.writes) and not event.hb & other.bit:
            raise Race("race on " + event.loc)


def placed(graph, event, at):
    """The graph with the write in modification order at `at`."""
    writes = graph.order.get(event.loc, ())
    graph.order[event.loc] = writes[:at] + (event,) + writes[at:]


def writes_of(graph, loc):
    return graph.order.get(loc, ())


class Search:
    """All complete graphs of a program."""

    def __init__(self, program, prune=True):
        self.program, self.prune = program, prune
        self.seen, self.complete, self.stuck = set(), [], 0

    def run(self, limit=None):
        stack = [Graph(self.program)]
        while stack:
            graph = stack.pop()
            identity = graph.identity()
            if identity in self.seen:
                continue
            self.seen.add(identity)
            if limit and len(self.seen) > limit:
                raise Wrong("more than %d graphs" % limit)
            stack.extend(self.next(graph))
        return self

    def next(self, graph):
        out, running = [], False
        for thread, body in graph.bodies.items():
            if thread in graph.waiting:
                running = True
            elif graph.at[thread] < len(body):
                running = True
                out += self.steps(graph, thread, body[graph.at[thread]])
        if not running:
            if self.prune or consistent(graph):
                self.complete.append(graph)
        elif not out:
            # Without pruning, also what only an impossible graph comes to.
            if graph.deadlock() and (self.prune or consistent(graph)):
                self.stuck += 1
        if self.prune:
            out = [new for new in out if consistent(new)]
        return out

    def steps(self, graph, thread, step):
        guard, op, args = step
        if guard and graph.regs.get(guard[0], 0) != guard[1]:
            new = graph.copy()
            new.at[thread] += 1
            return [new]
        return getattr(self, "do_" + op.lower())(graph, thread, op, args)

    def simple(self, graph, thread, event, past=0):
        new = graph.copy()
        new.add(thread, event, past | new.reading(thread, event))
        return new

    def key(self, graph, thread):
        return (thread, graph.at[thread])

    def do_fence(self, graph, thread, op, args):
        event = Event(self.key(graph, thread), op, None, args[0])
        return [self.simple(graph, thread, event)]

    def do_choose(self, graph, thread, op, args):
        out = []
        for value in range(int(args[1])):
            new = graph.copy()
            new.taken[self.key(graph, thread)] = ("choice", value)
            new.regs[args[0]] = value
            new.at[thread] += 1
            out.append(new)
        return out

    def do_spawn(self, graph, thread, op, args):
        event = Event(self.key(graph, thread), op)
        new = self.simple(graph, thread, event)
        child = int(args[0])
        new.bodies[child] = self.program.library[args[1]]
        new.at[child] = 0
        new.last[child] = new.last[thread]
        return [new]

    def do_join(self, graph, thread, op, args):
        child = int(args[0])
        if (child not in graph.bodies
                or graph.at[child] < len(graph.bodies[child])):
            return []
        event = Event(self.key(graph, thread), op)
        return [self.simple(graph, thread, event, graph.last[child])]

    def do_store(self, graph, thread, op, args, plain=False):
        loc, value, order = args
        out = []
        for at in range(len(writes_of(graph, loc)) + 1):
            event = Event(self.key(graph, thread), op, loc, order)
            event.writes, event.value = True, graph.value(value)
            event.plain = plain
            new = self.simple(graph, thread, event)
            if plain:
                plain_checked(new, event)
            placed(new, event, at)
            out.append(new)
        return out

    def do_load(self, graph, thread, op, args, plain=False):
        reg, loc, order = args
        out = []
        for at, source in enumerate((None,) + writes_of(graph, loc)):
            event = Event(self.key(graph, thread), op, loc, order)
            event.reads, event.source = True, source
            event.found = source.value if source else 0
            event.plain = plain
            new = self.simple(graph, thread, event)
            if plain:
                plain_checked(new, event)
            new.taken[event.key] = source.key if source else None
            new.regs[reg] = event.found
            out.append(new)
        return out

    def do_await(self, graph, thread, op, args):
        """Of the looks only the last counts: it finds the value, or never."""
        reg, loc, value, order = args
        out = self.do_load(graph, thread, op, [reg, loc, order])
        for new in out:
            if new.regs[reg] != graph.value(value):
                new.waiting[thread] = new.events[-1]
        return out

    def change(self, graph, thread, op, loc, order, change, reg=None):
        """A read-modify-write; change(found) is None where it does not write,
        and then its load is relaxed."""
        out = []
        for at, source in enumerate((None,) + writes_of(graph, loc)):
            found = source.value if source else 0
            value = change(found)
            if value == "blocked":
                continue
            event = Event(self.key(graph, thread), op, loc,
                          order if value is not None else "relaxed")
            event.reads, event.source, event.found = True, source, found
            event.writes, event.value = value is not None, value
            new = self.simple(graph, thread, event)
            new.taken[event.key] = source.key if source else None
            if reg:
                new.regs[reg] = found
            if event.writes:
                placed(new, event, at)
            out.append(new)
        return out

    def do_exchange(self, graph, thread, op, args):
        reg, loc, value, order = args
        value = graph.value(value)
        return self.change(graph, thread, op, loc, order, lambda _: value, reg)

    def do_add(self, graph, thread, op, args):
        reg, loc, value, order = args
        value = graph.value(value)
        return self.change(graph, thread, op, loc, order,
                           lambda found: found + value, reg)

    def do_cas(self, graph, thread, op, args):
        reg, loc, expected, value, order = args
        expected, value = graph.value(expected), graph.value(value)
        return self.change(graph, thread, op, loc, order,
                           lambda found: value if found == expected else None,
                           reg)

    def do_lock(self, graph, thread, op, args):
        return self.change(graph, thread, op, args[0], "acquire",
                           lambda found: 1 if found == 0 else "blocked")

    def do_try(self, graph, thread, op, args):
        out = self.change(graph, thread, op, args[1], "acquire",
                          lambda found: 1 if found == 0 else None)
        for new in out:
            new.regs[args[0]] = int(new.events[-1].writes)
        return out

    def do_unlock(self, graph, thread, op, args):
        return self.do_store(graph, thread, op, [args[0], "0", "release"])

    def do_get(self, graph, thread, op, args):
        return self.do_load(graph, thread, op, args + ["relaxed"], True)

    def do_set(self, graph, thread, op, args):
        return self.do_store(graph, thread, op, args + ["relaxed"], True)


def outcome(graph):
    total = 0
    for name in graph.program.names:
        if name in "abcdefgh":
            value = graph.regs.get(name, 0)
        else:
            writes = writes_of(graph, name)
            value = writes[-1].value if writes else 0
        total = total << 4 | value & 15
    return total


# ---- the text of the tests --------------------------------------------------

STATEMENT = re.compile(r"(?:if \((\w) == (\d+)\)\s*)?([A-Z]+)\(([^()]*)\);")
BODY = re.compile(r"^static void (\w+)\(void\) \{(.*?)\}$", re.M | re.S)
TEST = re.compile(r'^LITMUS\((\w+),\s*"(\w+)",\s*(\d+),\s*OUTCOMES\(([^()]*)\)'
                  r",\s*([^()]*)\)$", re.M | re.S)

RACE = re.compile(r"^RACE\((\w+),\s*([^()]*)\)$", re.M | re.S)


def words(text):
    return [word.strip() for word in text.split(",") if word.strip()]


def parse(text):
    text = re.sub(r"//[^\n]*", "", text)
    library = {}
    for name, body in BODY.findall(text):
        steps, end = [], 0
        for match in STATEMENT.finditer(body):
            if body[end:match.start()].strip():
                raise Wrong("%s: what is '%s'?"
                            % (name, body[end:match.start()].strip()))
            end = match.end()
            reg, number, op, args = match.groups()
            guard = (reg, int(number)) if reg else None
            steps.append((guard, op, words(args)))
        if body[end:].strip():
            raise Wrong("%s: what is '%s'?" % (name, body[end:].strip()))
        library[name] = steps
    return [Program(name, names, int(graphs),
                    [int(value, 16) for value in words(outcomes)],
                    words(bodies), library)
            for name, names, graphs, outcomes, bodies in TEST.findall(text)
            ] + [Program(name, "", None, None, words(bodies), library)
                 for name, bodies in RACE.findall(text)]


def programs_of(files):
    for path in files:
        with open(path, encoding="ascii") as file:
            programs = parse(file.read())
        if not programs:
            raise Wrong(path + ": no tests")
        yield from programs


def spelled(outcomes, digits):
    return ", ".join("0x%0*x" % (digits, value) for value in outcomes)


def answer(program, prune=True, limit=None):
    search = Search(program, prune).run(limit)
    return (sorted(set(map(outcome, search.complete))), len(search.complete),
            search)


def check(files):
    bad = count = 0
    for program in programs_of(files):
        count += 1
        try:
            outcomes, graphs, search = answer(program)
        except Race as race:
            if program.outcomes is not None:
                print("%s: %s" % (program.name, race))
                bad += 1
            continue
        if program.outcomes is None:
            print("%s: no race" % program.name)
            bad += 1
            continue
        digits = len(program.names)
        if search.stuck:
            print("%s: some graphs cannot be completed" % program.name)
            bad += 1
        if outcomes != program.outcomes:
            print("%s: OUTCOMES(%s), not %s" % (
                program.name, spelled(outcomes, digits),
                spelled(program.outcomes, digits)))
            bad += 1
        if program.graphs not in (0, graphs):
            print("%s: %d graphs, not %d" % (program.name, graphs,
                                             program.graphs))
            bad += 1
    print("%d tests, %d differences" % (count, bad))
    return bad != 0


def table(files):
    print("| test | outcomes | graphs |")
    print("|---|---|---:|")
    for program in programs_of(files):
        if program.outcomes is None:
            print("| %s | a data race | |" % program.name)
            continue
        digits = len(program.names)
        shown = " ".join("%0*x" % (digits, value)
                         for value in program.outcomes)
        print("| %s | %s: %s | %d |" % (program.name, program.names, shown,
                                        program.graphs))
    return 0


def each(path, name):
    for program in programs_of([path]):
        if program.name != name:
            continue
        for graph in answer(program)[2].complete:
            reads = ", ".join("%s reads %s" % (event.key, event.source.key
                                               if event.source else "initial")
                              for event in graph.events if event.reads)
            order = ", ".join("%s: %s" % (loc, " ".join(str(e.key)
                                                        for e in writes))
                              for loc, writes in sorted(graph.order.items()))
            print("%0*x  %s; %s" % (len(program.names), outcome(graph), reads,
                                    order))
    return 0


def slow(files):
    """Nothing is left out before the end: is the search itself right?"""
    bad = 0
    for program in programs_of(files):
        if (program.outcomes is None
                or sum(len(body) for body in program.bodies) > 5):
            continue
        if answer(program)[:2] != answer(program, prune=False)[:2]:
            print("%s: pruning loses or gains" % program.name)
            bad += 1
    return bad != 0


def main(arguments):
    commands = {"check": check, "table": table, "slow": slow}
    if len(arguments) > 1 and arguments[0] in commands:
        return commands[arguments[0]](arguments[1:])
    if len(arguments) == 3 and arguments[0] == "outcomes":
        return each(*arguments[1:])
    if len(arguments) == 4 and arguments[0] == "random":
        return random_file(arguments[1], int(arguments[2]), int(arguments[3]))
    print(__doc__.strip().split("usage: ")[1], file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Wrong, OSError) as problem:
        print("oracle.py:", problem, file=sys.stderr)
        sys.exit(2)
