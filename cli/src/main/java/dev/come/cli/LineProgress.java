package dev.come.cli;

import dev.come.ByteSize;
import dev.come.Progress;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * Shows progress where the output is no terminal. It prints a line when outermost work ends, and every half minute a
 * line that says how far the work at hand has come.
 */
final class LineProgress implements Progress {
    private static final Duration INTERVAL = Duration.ofSeconds(30);

    private final PrintWriter out;
    private final InstantSource clock;
    private Instant lastLine;
    private final WholeRun whole;
    private int depth;

    LineProgress(PrintWriter out, InstantSource clock) {
        this.out = out;
        this.clock = clock;
        this.lastLine = clock.instant();
        this.whole = new WholeRun(clock);
    }

    @Override
    public synchronized Task begin(String what, long total, String unit) {
        return begin(what, total, unit, total);
    }

    @Override
    public synchronized Task begin(String what, long steps, String unit, long units) {
        depth++;
        return new Work(what, steps, unit, units);
    }

    @Override
    public void expect(double steps) {
        whole.expect(steps);
    }

    @Override
    public synchronized void note(String line) {
        out.println(line);
        out.flush();
        lastLine = clock.instant();
    }

    private final class Work implements Task {
        private final String what;
        private final long total;
        private final String unit;
        private final long units;
        private final Instant start = clock.instant();
        private long done;

        Work(String what, long total, String unit, long units) {
            this.what = what;
            this.total = total;
            this.unit = unit;
            this.units = units;
        }

        @Override
        public void advance(long steps) {
            synchronized (LineProgress.this) {
                done += steps;
                if (!unit.equals(Progress.BYTES)) {
                    whole.advance(steps);
                }
                if (lastLine.plus(INTERVAL).isBefore(clock.instant())) {
                    tell();
                }
            }
        }

        @Override
        public void skip(long steps) {
            advance(steps);
        }

        @Override
        public void close() {
            synchronized (LineProgress.this) {
                depth--;
                if (depth == 0) {
                    tell();
                }
            }
        }

        private void tell() {
            Duration time = Duration.between(start, clock.instant());
            if (unit.equals(Progress.BYTES)) {
                note("%s: %s of %s, %s%s".formatted(what, ByteSize.format(done), ByteSize.format(total),
                        Units.time(time), speed(time)));
            } else {
                long told = total == 0 ? units : Math.multiplyExact(done, units) / total;
                String ofRun = done < total ? whole.text() : "";
                note("%s: %s of %s %s, %s%s".formatted(what, told, units, unit, Units.time(time),
                        ofRun.isEmpty() ? "" : "; " + ofRun));
            }
        }

        private String speed(Duration time) {
            if (done <= 0 || time.isZero()) {
                return "";
            }
            double perSecond = done * 1000.0 / Math.max(1, time.toMillis());
            String left = done < total
                    ? ", about " + Units.time(Duration.ofMillis((long) ((total - done) * 1000.0 / perSecond))) + " left"
                    : "";
            return " (" + ByteSize.format((long) perSecond) + "/s" + left + ")";
        }
    }
}
