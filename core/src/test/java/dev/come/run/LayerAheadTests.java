package dev.come.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.LayerObserver;
import dev.come.model.ModelConfig;
import dev.come.run.LayerRunner.Step;
import dev.come.run.LayerRunner.WeightsVisitor;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The layer that is read while one is run. One thread runs them, so whatever else happens is done by the one ahead. */
class LayerAheadTests {
    private static final Chunk CHUNK = TokenChunks.of(Sequences.of(List.of(new int[]{1, 2, 3}))).get(0);

    private Checkpoint checkpoint;
    private LayerRunner runner;

    @BeforeEach
    void open() {
        checkpoint = Checkpoint.open(Path.of("src/test/resources/golden/models/llama-gqa"));
        runner = new LayerRunner(new LayerStore(checkpoint, ModelConfig.of(checkpoint)), TestDevice.float32(1), true);
    }

    @AfterEach
    void close() {
        runner.close();
        checkpoint.close();
    }

    @Test
    void theNextLayerIsMadeWhileOneIsRunAndNoMoreThanThat() {
        List<CountDownLatch> made = List.of(new CountDownLatch(1), new CountDownLatch(1), new CountDownLatch(1));
        List<Boolean> seen = new ArrayList<>();
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < made.size(); i++) {
            int position = i;
            steps.add(new Step(new Original(i), _ -> made.get(position).countDown(), new Pass(() -> {
                seen.add(position + 1 == made.size() || await(made.get(position + 1)));
                seen.add(position + 2 >= made.size() || made.get(position + 2).getCount() == 1);
            })));
        }
        runner.run(steps, List.of(CHUNK));
        assertThat(seen).containsExactly(true, true, true, true, true, true);
    }

    @Test
    void whatFailsAheadIsTriedAgainWhenItIsNeeded() {
        CountDownLatch failed = new CountDownLatch(1);
        AtomicInteger tries = new AtomicInteger();
        AtomicInteger runs = new AtomicInteger();
        WeightsVisitor once = _ -> {
            if (tries.getAndIncrement() == 0) {
                failed.countDown();
                throw new FailedException("no room yet");
            }
        };
        runner.run(List.of(new Step(new Original(0), _ -> {
        }, new Pass(() -> await(failed))), new Step(new Original(1), once, new Pass(runs::incrementAndGet))),
                List.of(CHUNK));
        assertThat(tries).hasValue(2);
        assertThat(runs).hasValue(1);
    }

    @Test
    void whatFailsAgainIsToldByWhoeverNeedsTheLayer() {
        AtomicInteger runs = new AtomicInteger();
        assertThatThrownBy(() -> runner.run(List.of(new Step(new Original(0), _ -> {
        }, new Pass(runs::incrementAndGet)), new Step(new Original(1), _ -> {
            throw new FailedException("it is damaged");
        }, new Pass(() -> {
        }))), List.of(CHUNK))).isInstanceOf(FailedException.class).hasMessageContaining("it is damaged");
        assertThat(runs).hasValue(1);
    }

    private static boolean await(CountDownLatch latch) {
        try {
            return latch.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Does something while a layer is there. */
    private final class Pass implements LayerRunner.Pass {
        private final Runnable meanwhile;

        Pass(Runnable meanwhile) {
            this.meanwhile = meanwhile;
        }

        @Override
        public Tensor before(int chunk) {
            meanwhile.run();
            return runner.embed(CHUNK);
        }

        @Override
        public LayerObserver observer(int chunk) {
            return LayerObserver.NONE;
        }

        @Override
        public void after(int chunk, Tensor hidden) {
        }
    }
}
