package dev.come.distill;

import dev.come.FailedException;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.TensorFile;
import dev.come.checkpoint.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The file from which interrupted training goes on. It holds weights, the optimizer's means, the best weights so far
 * and the curve, and is replaced all at once. It lies in the run's folder and is of no use to anyone else.
 */
final class TrainingFile {
    private static final String CURVE = "curve";
    private static final String BEST_STEP = "best_step";
    private static final int COLUMNS = 11;

    /** So many times as long as writing takes, training goes on before it is written again. */
    private static final long TIMES_AS_LONG = 10;

    private final Path file;
    private boolean saved;
    private long lastEnd;
    private long lastDuration;

    TrainingFile(Path file) {
        this.file = file;
    }

    /** Where training was: the points so far, and after which step the weights were best. */
    record Reached(List<Point> points, int bestStep) {}

    /** Writes where training is, unless the last writing took more than a tenth of the time since then. */
    void saveNowAndThen(List<TrainableLayer> layers, Reached progress) {
        long started = System.nanoTime();
        if (saved && started - lastEnd < TIMES_AS_LONG * lastDuration) {
            return;
        }
        save(layers, progress);
        saved = true;
        lastEnd = System.nanoTime();
        lastDuration = lastEnd - started;
    }

    /** Writes where training is. */
    void save(List<TrainableLayer> layers, Reached progress) {
        Map<TensorSpec, Tensor> tensors = new LinkedHashMap<>();
        try (var _ = new PointerScope()) {
            // The engine takes arrays of longs, so doubles are told by their bits.
            long[] numbers = progress.points.stream().flatMapToDouble(point -> Arrays.stream(row(point)))
                    .mapToLong(Double::doubleToRawLongBits).toArray();
            tensors.put(new TensorSpec(CURVE, DType.I64, List.of((long) progress.points.size(), (long) COLUMNS)),
                    torch.tensor(numbers).view(progress.points.size(), COLUMNS));
            tensors.put(new TensorSpec(BEST_STEP, DType.I64, List.of(1L)), torch.tensor(new long[]{progress.bestStep}));
            layers.forEach(layer -> tensors.putAll(layer.state()));
            TensorFile.write(file, List.copyOf(tensors.keySet()),
                    spec -> Objects.requireNonNull(tensors.get(spec)));
        }
    }

    /** Goes on from what was written, if there is something. */
    Optional<Reached> restore(List<TrainableLayer> layers) {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (TensorFile state = TensorFile.open(file); var _ = new PointerScope()) {
            Tensor curve = state.tensor(CURVE);
            long[] bits = new long[(int) curve.numel()];
            curve.contiguous().data_ptr_long().get(bits);
            double[] numbers = Arrays.stream(bits).mapToDouble(Double::longBitsToDouble).toArray();
            List<Point> points = new ArrayList<>();
            for (int i = 0; i < numbers.length; i += COLUMNS) {
                points.add(new Point((int) numbers[i], (long) numbers[i + 1], numbers[i + 2], numbers[i + 3],
                        new Measures(numbers[i + 4], numbers[i + 5], numbers[i + 6], numbers[i + 7],
                                numbers[i + 8], numbers[i + 9], numbers[i + 10])));
            }
            layers.forEach(layer -> layer.restore(state, points.getLast().step()));
            return Optional.of(new Reached(points, (int) state.tensor(BEST_STEP).item_long()));
        }
    }

    /** Removes the file: training has ended. */
    void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new FailedException(file + " cannot be removed (" + IoReason.of(e) + ")", e);
        }
    }

    private static double[] row(Point point) {
        Measures measures = point.validation();
        return new double[]{point.step(), point.tokens(), point.learningRate(), point.trainingLoss(), measures.loss(),
            measures.kl(), measures.mse(), measures.cosine(), measures.nextTokens(), measures.hidden(),
            measures.crossEntropy()};
    }
}
