package dev.come.job;

import dev.come.Progress;
import dev.come.Version;
import dev.come.calibration.Cluster;
import dev.come.model.Engine;
import dev.come.report.RunRecord;
import dev.come.report.RunRecord.Host;
import dev.come.report.RunRecord.Stage;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** Passes on progress, and notes how long each piece of work takes; pieces of the same kind count together. */
public final class RunWatch implements Progress {
    private final Progress progress;
    private final long started = System.nanoTime();
    private final ProcessorTimes before = ProcessorTimes.now();
    private final Map<String, Spent> stages = new LinkedHashMap<>();

    private record Spent(double seconds, OptionalLong peakBytes) {}

    /** Begins to watch. */
    public RunWatch(Progress progress) {
        this.progress = progress;
    }

    @Override
    public Task begin(String what, long total, String unit) {
        return watched(what, progress.begin(what, total, unit));
    }

    @Override
    public Task begin(String what, long steps, String unit, long units) {
        return watched(what, progress.begin(what, steps, unit, units));
    }

    @Override
    public void expect(double steps) {
        progress.expect(steps);
    }

    private Task watched(String what, Task task) {
        long begun = System.nanoTime();
        return new Task() {
            @Override
            public void advance(long steps) {
                task.advance(steps);
            }

            @Override
            public void skip(long steps) {
                task.skip(steps);
            }

            @Override
            public void close() {
                task.close();
                ended(kind(what), (System.nanoTime() - begun) / 1e9);
            }
        };
    }

    @Override
    public void note(String line) {
        progress.note(line);
    }

    private synchronized void ended(String kind, double seconds) {
        Spent before = stages.getOrDefault(kind, new Spent(0, OptionalLong.empty()));
        stages.put(kind, new Spent(before.seconds + seconds, Machine.peakResidentBytes()));
    }

    /** What is done, without the step and the number of layers: {@code measuring layers} for all steps. */
    private static String kind(String what) {
        return what.replaceFirst("^(.*, )?step \\d+ of \\d+: ", "$1").replaceAll("\\b\\d+ (layers|stacks)\\b", "$1")
                .replaceFirst("^(refitting|compensating|weighing|training layer|the teacher's layer) .*", "$1");
    }

    /**
     * How the run went until now.
     *
     * @param command as it was typed, without the name of the program
     */
    public synchronized RunRecord record(List<String> command) {
        ProcessorTimes.Shares shares = ProcessorTimes.now().since(before);
        Host host = new Host(
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                        + System.getProperty("os.arch"),
                Runtime.version().toString(), Engine.instructions(), Runtime.getRuntime().availableProcessors(),
                onCluster() ? OptionalDouble.empty() : shares.others(),
                shares.idle());
        List<Stage> list = new ArrayList<>();
        stages.forEach((name, spent) -> list.add(new Stage(name, spent.seconds, spent.peakBytes)));
        return new RunRecord(Version.NAME, command, host, OptionalLong.empty(), (System.nanoTime() - started) / 1e9,
                Machine.peakResidentBytes(), list);
    }

    /** Whether machines of a cluster were taken; those that ran on this one are not others. */
    private boolean onCluster() {
        return stages.keySet().stream().anyMatch(stage -> stage.startsWith(Cluster.CONNECTING));
    }

    /** The time of the whole Java process so far, in nanoseconds; -1 where the system does not tell. */
    static long ownNanoseconds() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getProcessCpuTime()
                : -1;
    }

    /** A share, where there is one. */
    static OptionalDouble share(double value) {
        return Double.isFinite(value) ? OptionalDouble.of(Math.clamp(value, 0, 1)) : OptionalDouble.empty();
    }
}
