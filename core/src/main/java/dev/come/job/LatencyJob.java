package dev.come.job;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.Version;
import dev.come.evaluate.Latency;
import dev.come.evaluate.Latency.Load;
import dev.come.evaluate.Latency.Subject;
import dev.come.evaluate.Latency.Timing;
import dev.come.model.Compute;
import dev.come.model.MemorySpeed;
import dev.come.model.Positions;
import dev.come.report.LatencyFile;
import dev.come.stack.LayerStack;
import dev.come.text.WindowLength;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;

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
    public record Request(Path model, Optional<Path> baseline, OptionalDouble removalRatio, Work work) {
        public Request {
            check(baseline.isPresent(), removalRatio);
        }

        /**
         * Refuses what a request would refuse, before models are there.
         *
         * @param baseline whether there is one
         */
        public static void check(boolean baseline, OptionalDouble removalRatio) {
            if (baseline && removalRatio.isPresent()) {
                throw new UsageException("--baseline and --removal-ratio both say what is compared; leave one out");
            }
            double ratio = removalRatio.orElse(0);
            if (!(ratio >= 0 && ratio < 1)) {
                throw new UsageException("--removal-ratio is " + ratio + ", but must lie from 0 to below 1");
            }
        }
    }

    /**
     * What is timed. What is not said is as in the authors' scripts, smaller on processors, where those take hours, and a
     * prompt not longer than the models take.
     *
     * @param generation whether tokens after the prompts are generated ({@code --generation})
     * @param batch {@code --batch}
     * @param promptTokens {@code --prompt}
     * @param newTokens {@code --new-tokens}
     * @param iterations {@code --iterations}
     */
    public record Work(boolean generation, OptionalInt batch, OptionalInt promptTokens, OptionalInt newTokens,
            OptionalInt iterations) {
        private static final Load PROMPT = new Load(1, WindowLength.USUAL, 0, 50);
        private static final Load PROMPT_ON_PROCESSOR = new Load(1, WindowLength.USUAL, 0, 5);
        private static final Load GENERATION = new Load(64, 64, 128, 10);
        private static final Load GENERATION_ON_PROCESSOR = new Load(4, 64, 32, 5);

        public Work {
            if (newTokens.isPresent() && !generation) {
                throw new UsageException("--new-tokens is for --generation; add it, or leave --new-tokens out");
            }
            if (newTokens.isPresent() && newTokens.getAsInt() == 0) {
                throw new UsageException("--new-tokens is 0, but --generation times new tokens; leave one of them out");
            }
            // What is out of range is told before a model is opened.
            var _ = new Load(batch.orElse(1), promptTokens.orElse(2), newTokens.orElse(0), iterations.orElse(1));
        }

        /** That of the authors' scripts. */
        public Load full() {
            return generation ? GENERATION : PROMPT;
        }

        /** Whether all of it is as usual. */
        public boolean isUsual() {
            return Stream.of(batch, promptTokens, newTokens, iterations).allMatch(OptionalInt::isEmpty);
        }

        private Load load(boolean processor, int positions) {
            return load(!processor ? full() : generation ? GENERATION_ON_PROCESSOR : PROMPT_ON_PROCESSOR, positions);
        }

        private Load load(Load usual, int positions) {
            int tokens = newTokens.orElse(usual.newTokens());
            return new Load(batch.orElse(usual.batch()),
                    promptTokens.orElse(Math.clamp((long) positions - tokens, 2, usual.promptTokens())), tokens,
                    iterations.orElse(usual.iterations()));
        }
    }

    /**
     * What came of it.
     *
     * @param load what was timed
     * @param timings the model that is compared with first, if there is one
     * @param dtype what was computed in
     * @param device cpu, cuda, ...
     * @param bytesReadInASecond how fast the machine reads memory, which bounds the generation of tokens
     * @param peakBytes the most memory the process had, all models together; where the system tells
     * @param processors who had the processors meanwhile
     */
    public record Result(Load load, List<Timing> timings, String dtype, String device, double bytesReadInASecond,
            OptionalLong peakBytes, ProcessorTimes.Shares processors) {
        /** For the file of {@code --output}. */
        public LatencyFile toFile() {
            return new LatencyFile(Version.NAME, dtype, device, load.batch(), load.promptTokens(), load.newTokens(),
                    bytesReadInASecond, peakBytes, processors.others(), processors.idle(),
                    timings.stream()
                            .map(timing -> new LatencyFile.Timed(timing.name(), timing.layers(), timing.parameters(),
                                    timing.weightBytes(), timing.cacheBytes(), timing.prompt().values(),
                                    timing.generation().isEmpty()
                                            ? List.of()
                                            : timing.generation().getFirst().values()))
                            .toList());
        }
    }

    /** Measures. */
    public static Result run(Request request, ComputeChoice choice, Progress progress) {
        return Interruptible.job(() -> timed(request, choice, Interruptible.asking(progress)));
    }

    private static Result timed(Request request, ComputeChoice choice, Progress progress) {
        try (OpenModel model = new OpenModel(request.model(), choice.tokenizers())) {
            Compute compute = model.compute(choice);
            int layers = model.config().layers();
            boolean processor = choice.device().equals("cpu");
            Subject subject = new Subject(name(request.model()), model.store(), LayerStack.dense(layers));
            if (request.baseline().isPresent()) {
                try (OpenModel baseline = new OpenModel(request.baseline().get(),
                        choice.tokenizers())) {
                    Positions positions = model.config().positions().and(baseline.config().positions());
                    return measure(List.of(new Subject(name(request.baseline().get()), baseline.store(),
                            LayerStack.dense(baseline.config().layers())), subject),
                            request.work().load(processor, positions.count()), compute, progress);
                }
            }
            List<Subject> subjects = new ArrayList<>(List.of(subject));
            request.removalRatio().ifPresent(ratio -> {
                int left = Target.RemovalRatio.layersLeft(ratio, layers);
                subjects.add(new Subject(left + " of its layers", model.store(), LayerStack.dense(left)));
            });
            return measure(subjects, request.work().load(processor, model.config().positions().count()), compute,
                    progress);
        }
    }

    private static Result measure(List<Subject> subjects, Load load, Compute compute, Progress progress) {
        Machine.resetPeak();
        ProcessorTimes before = ProcessorTimes.now();
        List<Timing> timings = Latency.measure(subjects, load, compute, progress);
        ProcessorTimes.Shares processors = ProcessorTimes.now().since(before);
        return new Result(load, timings, compute.dtypeName(), compute.device(), MemorySpeed.bytesReadInASecond(compute),
                Machine.peakResidentBytes(), processors);
    }

    private static String name(Path folder) {
        Path name = folder.getFileName();
        return name == null ? folder.toString() : name.toString();
    }
}
