package dev.come.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * Processor time of the whole machine and of this process since they began, in seconds; known on Linux only.
 *
 * @param busy what all programs took
 * @param idle what nobody took
 * @param own what this process took
 */
record ProcessorTimes(double busy, double idle, double own) {
    private static final Path STATISTICS = Path.of("/proc/stat");
    /** {@code /proc/stat} counts in this unit on every Linux that Java runs on. */
    private static final double TICKS_IN_A_SECOND = 100;
    private static final int IDLE = 3;
    private static final int WAITING = 4;
    /** Guests are counted among users too. */
    private static final int COUNTED = 8;

    /** Shares of the machine's processor time in between. */
    record Shares(OptionalDouble others, OptionalDouble idle) {}

    static ProcessorTimes now() {
        double own = RunWatch.ownNanoseconds() / 1e9;
        if (!Files.isReadable(STATISTICS)) {
            return new ProcessorTimes(Double.NaN, Double.NaN, own);
        }
        try (var lines = Files.lines(STATISTICS)) {
            return of(lines.findFirst().orElse(""), own);
        } catch (IOException _) {
            return new ProcessorTimes(Double.NaN, Double.NaN, own);
        }
    }

    /** From the first line of {@code /proc/stat}: user, nice, system, idle, waiting, interrupts twice, stolen. */
    static ProcessorTimes of(String line, double own) {
        if (!line.matches("cpu( +\\d+){5,}")) {
            return new ProcessorTimes(Double.NaN, Double.NaN, own);
        }
        double[] ticks = Arrays.stream(line.substring("cpu".length()).strip().split(" +")).limit(COUNTED)
                .mapToDouble(Double::parseDouble).toArray();
        double idle = ticks[IDLE] + ticks[WAITING];
        return new ProcessorTimes((Arrays.stream(ticks).sum() - idle) / TICKS_IN_A_SECOND, idle / TICKS_IN_A_SECOND,
                own);
    }

    /** Who took which share since then. */
    Shares since(ProcessorTimes then) {
        double all = busy - then.busy + idle - then.idle;
        return new Shares(RunWatch.share((busy - then.busy - (own - then.own)) / all),
                RunWatch.share((idle - then.idle) / all));
    }
}
