package dev.come.benchmark;

import dev.come.FailedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What a command used from start to end. Linux tells it of running processes only (proc(5)), so it is read again and again:
 * the last few hundredths of a second may be missing from the processor time, never from the wall time.
 *
 * @param processor processor time of all threads
 * @param peakBytes the largest resident size
 */
record Usage(Duration wall, Duration processor, long peakBytes) {
    private static final int INTERVAL_MILLISECONDS = 20;
    private static final int LOG_LINES = 20;
    private static final String PEAK = "VmHWM:";

    /**
     * Runs a command that is one process.
     *
     * @param log where its output goes
     * @throws FailedException if it does not end with exit code 0; the message has the end of its output
     */
    static Usage of(List<String> command, Path log) throws IOException, InterruptedException {
        long started = System.nanoTime();
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        Path status = Path.of("/proc", Long.toString(process.pid()), "status");
        Duration processor = Duration.ZERO;
        long peak = 0;
        while (!process.waitFor(INTERVAL_MILLISECONDS, TimeUnit.MILLISECONDS)) {
            processor = process.info().totalCpuDuration().orElse(processor);
            peak = Math.max(peak, peakBytes(status));
        }
        Duration wall = Duration.ofNanos(System.nanoTime() - started);
        if (process.exitValue() != 0) {
            List<String> lines = Files.readAllLines(log);
            throw new FailedException("Exit code " + process.exitValue() + " of " + String.join(" ", command) + "\n"
                    + String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size())));
        }
        return new Usage(wall, processor, peak);
    }

    /** 0 when the process has ended in the meantime. */
    private static long peakBytes(Path status) {
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith(PEAK))
                    .mapToLong(line -> Long.parseLong(line.replace(PEAK, "").replace("kB", "").strip()) * 1024)
                    .findFirst().orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }
}
