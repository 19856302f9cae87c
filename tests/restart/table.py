"""A row for each scenario and server, as Markdown."""
import dataclasses

HEAD = ("scenario", "server", "asked", "lost", "p99 before → during, ms", "restarts", "unexplained", "verdict")


@dataclasses.dataclass
class Row:
    test: str
    server: str
    asked: str = ""
    lost: dict = dataclasses.field(default_factory=dict)
    p99: tuple = (None, None)
    restarts: str = ""
    unexplained: object = None
    notes: list = dataclasses.field(default_factory=list)  # what else is to be known
    faults: list = dataclasses.field(default_factory=list)  # what should not be so

    def add(self, counts):
        """Takes over what a load has counted."""
        for kind, number in counts.lost().items():
            self.lost[kind] = self.lost.get(kind, 0) + number
        self.p99 = (counts.p99("before"), counts.p99("during"))

    def expect(self, condition, otherwise):
        if not condition:
            self.faults.append(otherwise)

    @property
    def passed(self):
        return not self.lost and not self.faults and not self.unexplained

    def cells(self):
        lost = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in self.lost.items()) or "0"
        p99 = " → ".join("–" if part is None else f"{part:.1f}" for part in self.p99)
        verdict = "pass" if self.passed else "**fail**" if self.server == "sluice" else "loses" if self.lost else "fails"
        words = "; ".join([*self.faults, *self.notes])
        return (self.test, self.server, self.asked, lost, p99 if any(self.p99) else "–", self.restarts,
                "–" if self.unexplained is None else str(self.unexplained), f"{verdict}: {words}" if words else verdict)


def line(cells):
    return "| " + " | ".join(cells) + " |"


def print_head():
    print(line(HEAD) + "\n" + "|---" * len(HEAD) + "|", flush=True)
