import { describe, expect, it } from "vitest";
import { clock, count, dated, duration, language, moment, percent, size } from "../../src/ui/figures";

describe("figures", () => {
  it("shows a place in a recording as a clock does", () => {
    expect([0, 7_900, 750_000, 3_723_000, -5].map(clock)).toEqual([
      "0:00",
      "0:07",
      "12:30",
      "1:02:03",
      "0:00",
    ]);
  });

  it("shows how long something took in the unit that fits", () => {
    const shown = [400, 12_000, 180_000, 7_500_000, 7_200_000, 273_600_000].map(duration);

    expect(shown).toEqual(["0.4 s", "12 s", "3 min", "2 h 5 min", "2 h", "3 d 4 h"]);
  });

  it("shows bytes in decimal units", () => {
    const shown = [0, 999, 1_000, 999_600, 20_400_000, 52_400_000_000].map(size);

    expect(shown).toEqual(["0 B", "999 B", "1 kB", "1.0 MB", "20.4 MB", "52.4 GB"]);
  });

  it("says neither 100 % before the end nor 0 % after the start", () => {
    expect([0, 0.001, 0.5, 0.999, 1].map(percent)).toEqual([0, 1, 50, 99, 100]);
  });

  it("names days that are near", () => {
    const now = new Date(2026, 10, 21, 18, 0);
    const at = (day: number, year = 2026): string => moment(new Date(year, 10, day, 9, 5).toISOString(), now);

    expect([at(21), at(20), at(3), at(3, 2025), moment("no date", now)]).toEqual([
      "Today 9:05",
      "Yesterday 9:05",
      "3 Nov 9:05",
      "3 Nov 2025",
      "",
    ]);
  });

  it("names a moment in full where the name stays", () => {
    expect(dated(new Date(2026, 10, 21, 22, 5))).toBe("21 Nov 2026 22:05");
    expect(dated(new Date(2026, 0, 3, 9, 5))).toBe("3 Jan 2026 09:05");
  });

  it("names languages, and leaves a code that is none as it is", () => {
    expect([language("de"), language("not a code"), language("")]).toEqual(["German", "not a code", ""]);
  });

  it("sets thousands apart", () => {
    expect(count(15_324)).toBe("15,324");
  });
});
