package dev.come.job;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.evaluate.Latency;
import dev.come.evaluate.Latency.Load;
import dev.come.evaluate.Latency.Subject;
import dev.come.evaluate.Latency.Timing;
import dev.come.model.Compute;
import dev.come.model.Throughput;
import dev.come.stack.LayerStack;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** {@code come latency}: how long a model takes, beside another one or beside itself with fewer layers. */
public final class LatencyJob {
    private LatencyJob() {
    }

    /**
     * What is asked for.
     *
     * @param model folder of the model
     * @param baseline folder of a model to compare it with ({@code --baseline})
     * @param removalRatio share of its layers without which the model itself is timed too ({@code --removal-ratio}); which layers
     *        go makes no difference to time
     */
    public record Request(Path model, Optional<Path> baseline, OptionalDouble removalRatio, Load load) {
        public Request {
            if (baseline.isPresent() && removalRatio.isPresent()) {
                throw new UsageException("--baseline and --removal-ratio both say what is compared; leave one out");
            }
            double ratio = removalRatio.orElse(0);
            if (!(ratio >= 0 && ratio < 1)) {
                throw new UsageException("--removal-ratio is " + ratio + ", but must lie from 0 to below 1");
            }
        }
    }

    /**
     * What came of it.
     *
     * @param timings the model that is compared with first, if there is one
     * @param dtype what was computed in
     * @param bytesReadInASecond how fast the machine reads memory, which bounds the generation of tokens
     * @param peakBytes the most memory the process had, all models together; where the system tells
     */
    public record Result(List<Timing> timings, String dtype, double bytesReadInASecond, OptionalLong peakBytes) {}

    /** Measures. */
    public static Result run(Request request, ComputeChoice choice, Progress progress) {
        try (OpenModel model = new OpenModel(request.model())) {
            Compute compute = model.compute(choice);
            int layers = model.config().layers();
            Subject subject = new Subject(name(request.model()), model.store(), LayerStack.dense(layers));
            if (request.baseline().isPresent()) {
                try (OpenModel baseline = new OpenModel(request.baseline().get())) {
                    return measure(List.of(new Subject(name(request.baseline().get()), baseline.store(),
                            LayerStack.dense(baseline.config().layers())), subject), request.load(), compute, progress);
                }
            }
            List<Subject> subjects = new ArrayList<>(List.of(subject));
            request.removalRatio().ifPresent(ratio -> {
                int left = layers - (int) Math.round(ratio * layers);
                if (left < 1) {
                    throw new UsageException("--removal-ratio " + ratio + " leaves none of the " + layers + " layers");
                }
                subjects.add(new Subject(left + " of its layers", model.store(), LayerStack.dense(left)));
            });
            return measure(subjects, request.load(), compute, progress);
        }
    }

    private static Result measure(List<Subject> subjects, Load load, Compute compute, Progress progress) {
        Machine.resetPeak();
        List<Timing> timings = Latency.measure(subjects, load, compute, progress);
        return new Result(timings, compute.dtypeName(), Throughput.bytesReadInASecond(compute),
                Machine.peakResidentBytes());
    }

    private static String name(Path folder) {
        Path name = folder.getFileName();
        return name == null ? folder.toString() : name.toString();
    }
}
