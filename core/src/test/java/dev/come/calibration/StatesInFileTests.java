package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.TestDevice;
import dev.come.TinyLlama;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** States beyond the memory cost time to read and write, so that is done once where once is enough. */
class StatesInFileTests {
    private static final int LAYERS = 4;
    private static final int HIDDEN = 16;
    private static final int VOCABULARY = 64;

    @TempDir
    private Path folder;
    private Checkpoint checkpoint;
    private LayerRunner runner;
    private StateStore states;
    private TokenChunks chunks;
    /** The states of all tokens at one boundary. */
    private long boundary;

    @BeforeEach
    void openModel() {
        Random random = new Random(9);
        checkpoint = Checkpoint.open(new TinyLlama(LAYERS, VOCABULARY, HIDDEN, 24, 2, 2, 4, true)
                .write(folder.resolve("model"), random));
        Compute compute = TestDevice.float32(2);
        runner = new LayerRunner(new LayerStore(checkpoint, ModelConfig.of(checkpoint)), compute);
        states = new StateStore(0, folder);
        Sequences tokens = Sequences
                .of(IntStream.range(0, 5).mapToObj(_ -> random.ints(16, 0, VOCABULARY).toArray()).toList());
        chunks = TokenChunks.of(tokens, 32);
        boundary = chunks.tokens() * HIDDEN * Float.BYTES;
    }

    @AfterEach
    void closeModel() {
        states.close();
        runner.close();
        checkpoint.close();
    }

    @Test
    void aTraceReadsEachBoundaryOnceForTheLayerThatRunsOverIt() {
        try (TraceTree tree = new TraceTree(runner, chunks, states, Reading.DEFINITION, true)) {
            assertThat(states.bytesWritten()).isEqualTo(boundary);
            LayerStack dense = LayerStack.dense(LAYERS);
            tree.path(dense);
            assertThat(states.bytesRead()).isEqualTo(LAYERS * boundary);
            assertThat(states.bytesWritten()).isEqualTo((LAYERS + 1) * boundary);

            tree.path(dense.replace(1, 2, dense.get(2)));
            assertThat(states.bytesRead()).as("two layers more").isEqualTo((LAYERS + 2) * boundary);
            assertThat(states.bytesWritten()).isEqualTo((LAYERS + 3) * boundary);
            assertThat(states.bytesInMemory()).isZero();
        }
    }

    @Test
    void aTrialReadsItsOwnStatesAndTheDenseOnesOnce() {
        try (TraceTree tree = new TraceTree(runner, chunks, states, Reading.DEFINITION, true)) {
            List<Trace> dense = tree.path(LayerStack.dense(LAYERS));
            List<State> own = dense.get(1).states();
            try (SideBySide side = new SideBySide(runner, chunks, 1, states, own, layers -> dense.get(layers).states());
                    var _ = new PointerScope()) {
                side.runDense(3);
                long read = states.bytesRead();
                side.discard(side.run(new Original(1), runner.store().materialise(new Original(1)), Optional.empty()));
                assertThat(states.bytesRead() - read).isEqualTo(2 * boundary);
            }
        }
    }
}
