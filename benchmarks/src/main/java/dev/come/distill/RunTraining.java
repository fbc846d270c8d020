package dev.come.distill;

import dev.come.benchmark.Program;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Rotation;
import dev.come.model.Workers;
import dev.come.prune.PruningPlan;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code benchmarks/run-training}: how many tokens a second {@code come distill} learns from, and how many its matrix products
 * alone would allow. Steps and products are run in turns, as {@link Workers} runs them, and the fastest round of each counts.
 * Best on an idle machine. It lies in this package for the sake of the two students.
 */
@Command(name = "run-training", mixinStandardHelpOptions = true, sortOptions = false, description = {
    "Times steps of 'come distill' on random tokens, of one merged layer and of the whole",
    "model, against the matrix products of the same steps alone, forward and backward."})
final class RunTraining implements Callable<Integer> {
    private static final double TARGET = 0.5;
    private static final int CHUNK = Distillation.CHUNK;

    @Spec
    private CommandSpec spec;

    @Option(names = "--model-name", required = true, paramLabel = "DIR",
            description = "Folder of a model that come prune merged layers of.")
    private Path pruned = Path.of("");

    @Option(names = "--teacher", required = true, paramLabel = "DIR", description = "Folder of its dense model.")
    private Path teacher = Path.of("");

    @Option(names = "--batch-tokens", paramLabel = "N", description = "Tokens in a step (default: ${DEFAULT-VALUE}).")
    private int batchTokens = 4096;

    @Option(names = "--rounds", paramLabel = "N",
            description = "How often each is run; the fastest counts (default: ${DEFAULT-VALUE}).")
    private int rounds = 3;

    @Option(names = "--dtype", paramLabel = "TYPE",
            description = "What products are computed in: auto, float32 or bfloat16 (default: auto).")
    private String dtype = "auto";

    @Option(names = "--threads", paramLabel = "N", description = "Threads at work (default: one per processor).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @SuppressWarnings("NullAway.Init") // call() sets it first
    private ModelConfig config;
    @SuppressWarnings("NullAway.Init") // call() sets it first
    private Compute compute;

    static void main(String[] arguments) {
        Program.run(new RunTraining(), arguments);
    }

    @Override
    public Integer call() throws IOException {
        LayerStack stack = PruningPlan.read(pruned.resolve(PruningPlan.FILE_NAME)).last();
        int merged = IntStream.range(0, stack.size()).filter(position -> TrainedParts.isMerged(stack, position))
                .findFirst().orElseThrow(() -> new IllegalArgumentException(pruned + " has no merged layer"));
        Path work = Files.createTempDirectory("come-run-training");
        try (Checkpoint checkpoint = Checkpoint.open(teacher)) {
            config = ModelConfig.of(checkpoint);
            compute = Compute.of(dtype, config.storedType(checkpoint), "cpu", threads);
            Random random = new Random(1);
            TokenChunks chunks = TokenChunks.of(Sequences.of(IntStream.range(0, Math.max(1, batchTokens / CHUNK))
                    .mapToObj(_ -> random.ints(CHUNK, 0, config.vocabularySize()).toArray()).toList()), CHUNK);
            LayerStore store = new LayerStore(checkpoint, config);
            try (LayerRunner runner = new LayerRunner(store, compute);
                    StateStore states = new StateStore(1L << 30, work);
                    TeacherStates boundaries = new TeacherStates(runner, chunks, states);
                    var _ = new NoGradGuard();
                    var _ = new PointerScope()) {
                int first = TrainedParts.first(stack, merged);
                int last = TrainedParts.last(stack, merged);
                while (boundaries.reached() < config.layers()) {
                    boundaries.next();
                    boundaries.keepOnly(Set.of(first, last + 1));
                }
                measure(store, stack, merged, chunks, boundaries, runner.workers(), states, work);
            }
        } finally {
            Files.deleteIfExists(work);
        }
        return 0;
    }

    private void measure(LayerStore store, LayerStack stack, int merged, TokenChunks chunks, TeacherStates boundaries,
            Workers workers, StateStore states, Path work) {
        DistillationOptions options = new DistillationOptions(Level.BOTH, Objective.MSE, 1, 1, 1, 1, batchTokens,
                new Schedule(Schedule.Shape.CONSTANT, 1e-5, 0), new Schedule(Schedule.Shape.CONSTANT, 1e-5, 0), 0, 1,
                Students.DEFAULTS, TrainedParts.MERGED, 0, 0, 1, 1);
        List<Integer> learning = options.trained().positions(stack, config.layers());
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%-20s%14s%18s%8s%n", "tokens a second", "training", "products alone", "share");

        try (TrainableLayer layer = trainable(store, stack, merged);
                Rotation rotation = new Rotation(
                        compute.inFloat32())) {
            Examples examples = boundaries.examples(Students.Span.of(stack, merged), chunks.size());
            LayerStudent student = new LayerStudent(layer, store, examples, workers, rotation, compute, options);
            // Forward, and backward to the weights and, within the layer, to what they are multiplied with.
            report(out, "one layer", chunks,
                    loop(List.of(layer), student, chunks, options, work),
                    new Products(new Counts(0, 1, 1, 1, 0)), workers);
        }

        SortedMap<Integer, TrainableLayer> layers = new TreeMap<>();
        try {
            learning.forEach(position -> layers.put(position, trainable(store, stack, position)));
            Examples finals = boundaries.examples(new Students.Span(config.layers(), config.layers()), chunks.size());
            try (ModelStudent student = new ModelStudent(store, stack, layers, finals, HiddenTerm.NONE, compute,
                    states, workers, options)) {
                int back = stack.size() - layers.firstKey();
                // Logits of student and teacher, and back from them.
                report(out, "the whole model", chunks,
                        loop(List.copyOf(layers.values()), student, chunks, options, work),
                        new Products(new Counts(stack.size(), back, back, layers.size(), 3)), workers);
            }
        } finally {
            layers.values().forEach(TrainableLayer::close);
        }
        out.printf(Locale.ROOT,
                "%nThe share should be at least %.1f. Products: of one layer forward and backward; of the"
                        + " model forward, forward again%nand backward from the lowest layer that learns on (%d learn), and the"
                        + " output projection; attention is not among them.%n",
                TARGET, learning.size());
        out.flush();
    }

    private TrainableLayer trainable(LayerStore store, LayerStack stack, int position) {
        try (var _ = new PointerScope()) {
            return new TrainableLayer(position, stack.get(position), store.materialise(stack.get(position)),
                    config.parts(), 0, compute);
        }
    }

    private static TrainingLoop loop(List<TrainableLayer> layers, TrainingLoop.Student student, TokenChunks chunks,
            DistillationOptions options, Path work) {
        return new TrainingLoop(layers, student, chunks, new Batches(List.of()), options.schedule(), options,
                new TrainingFile(work.resolve("none.state")));
    }

    private void report(PrintWriter out, String what, TokenChunks chunks, TrainingLoop loop, Products products,
            Workers workers) {
        List<Integer> batch = IntStream.range(0, chunks.size()).boxed().toList();
        double step = Double.POSITIVE_INFINITY;
        double alone = Double.POSITIVE_INFINITY;
        for (int round = 0; round <= rounds; round++) { // the first warms up
            step = Math.min(step, seconds(() -> loop.step(batch, 1e-5)));
            alone = Math.min(alone, seconds(() -> products.run(chunks.size(), workers)));
        }
        double tokens = (double) chunks.size() * CHUNK;
        out.printf(Locale.ROOT, "%-20s%,14.0f%,18.0f%8.2f%n", what, tokens / step, tokens / alone, alone / step);
        out.flush();
    }

    private static double seconds(Runnable work) {
        long started = System.nanoTime();
        work.run();
        return (System.nanoTime() - started) / 1e9;
    }

    /**
     * Matrix products of the shapes that a step has.
     *
     * @param forward how many layers run forward
     * @param again how many run forward again
     * @param toInputs through how many the gradient goes back
     * @param toWeights how many learn
     * @param head how many times states are multiplied with the output projection, the last time backward
     */
    private record Counts(int forward, int again, int toInputs, int toWeights, int head) {}

    /** Random matrices of a layer, and rows to multiply them with. */
    private final class Products {
        private final Counts counts;
        private final List<Tensor> matrices;
        private final Tensor projection;
        private final Map<Long, Tensor> rows = new HashMap<>();

        Products(Counts counts) {
            this.counts = counts;
            matrices = config.parts().stream().filter(Part::isMatrix).sorted()
                    .map(part -> random(config.shape(part).get(0), config.shape(part).get(1))).toList();
            projection = random(config.vocabularySize(), config.hiddenSize());
            for (Tensor matrix : matrices) {
                for (long width : matrix.shape()) {
                    rows.computeIfAbsent(width, columns -> random(CHUNK, columns));
                }
            }
        }

        private Tensor random(long... shape) {
            return compute.matrix(torch.randn(shape, new TensorOptions(ScalarType.Float)));
        }

        /** A layer after the other, each over all chunks. */
        void run(int chunks, Workers workers) {
            repeat(counts.forward + counts.again, chunks, workers,
                    () -> matrices.forEach(matrix -> rows(matrix, 1).mm(matrix.t())));
            repeat(counts.toInputs, chunks, workers, () -> matrices.forEach(matrix -> rows(matrix, 0).mm(matrix)));
            repeat(counts.toWeights, chunks, workers,
                    () -> matrices.forEach(matrix -> rows(matrix, 0).t().mm(rows(matrix, 1))));
            repeat(counts.head > 0 ? 1 : 0, chunks, workers, this::head);
        }

        private void head() {
            Tensor states = Objects.requireNonNull(rows.get((long) config.hiddenSize()));
            long most = NextTokenLoss.rows(config);
            for (long row = 0; row < CHUNK; row += most) {
                try (var _ = new PointerScope()) {
                    Tensor some = states.narrow(0, row, Math.min(most, CHUNK - row));
                    Tensor logits = some.mm(projection.t());
                    for (int i = 2; i < counts.head; i++) {
                        some.mm(projection.t());
                    }
                    logits.mm(projection);
                }
            }
        }

        private Tensor rows(Tensor matrix, int dimension) {
            return Objects.requireNonNull(rows.get(matrix.size(dimension)));
        }

        private static void repeat(int times, int chunks, Workers workers, Runnable products) {
            for (int i = 0; i < times; i++) {
                workers.forEach(chunks, (_, _) -> products.run());
            }
        }
    }
}
