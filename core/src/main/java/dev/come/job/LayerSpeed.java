package dev.come.job;

import dev.come.model.Compute;
import dev.come.model.LayerObserver;
import dev.come.model.ModelConfig;
import dev.come.run.LayerRunner;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode.Original;
import dev.come.text.Sequences;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * How fast the first layer of a model runs, measured with all threads at work.
 *
 * @param quickest floating-point operations in a second, all threads together, in the quickest run
 * @param slowest the same in the slowest
 */
record LayerSpeed(double quickest, double slowest) {
    /** Runs of each thread; the first is not counted, for it makes buffers. */
    private static final int RUNS = 4;

    /** A run shall take a second or so at the most, also where a layer is large. */
    private static final double OPERATIONS = 3e10;
    private static final int ENOUGH_TOKENS = 128;

    /** @param text whose first sequence is run, or the beginning of it */
    static LayerSpeed measure(OpenModel model, Compute compute, Sequences text) {
        ModelConfig config = model.config();
        int few = (int) Math.max(ENOUGH_TOKENS, OPERATIONS / (2.0 * config.layerParameters()));
        Sequences sample = Sequences.of(List.of(Arrays.copyOf(text.sequence(0), Math.min(text.length(0), few))));
        Chunk chunk = TokenChunks.of(sample).get(0);
        int threads = compute.threads();
        double[] seconds = new double[threads * RUNS];
        try (LayerRunner runner = new LayerRunner(model.store(), compute)) {
            runner.run(new Original(0), Collections.nCopies(seconds.length, chunk), _ -> {
            }, new Timed(runner, chunk, seconds));
        }
        double[] counted = IntStream.range(threads, seconds.length).mapToDouble(i -> seconds[i]).sorted().toArray();
        double operations = threads * ExpectedTime.ofLayer(config, sample);
        return new LayerSpeed(operations / counted[0], operations / counted[counted.length - 1]);
    }

    /** @param seconds gets the time of each run */
    @SuppressWarnings("ArrayRecordComponent") // where the times go, never compared
    private record Timed(LayerRunner runner, Chunk chunk, double[] seconds) implements LayerRunner.Pass {
        @Override
        public Tensor before(int index) {
            Tensor hidden = runner.embed(chunk);
            seconds[index] = -System.nanoTime() / 1e9;
            return hidden;
        }

        @Override
        public LayerObserver observer(int index) {
            return LayerObserver.NONE;
        }

        @Override
        public void after(int index, Tensor hidden) {
            seconds[index] += System.nanoTime() / 1e9;
        }
    }
}
