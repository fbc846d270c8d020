package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.failure.Thrown;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(value = 30, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class WaitingTests {
    @ParameterizedTest
    @MethodSource("failures")
    void whoWaitsForFailedWorkFailsForTheSameReason(Throwable reason) {
        Waiting waiting = new Waiting();
        CompletableFuture<Void> waiter = CompletableFuture.runAsync(() -> waiting.until(() -> false));
        waiting.fail(reason);
        assertThatThrownBy(waiter::join).isInstanceOf(CompletionException.class).hasCause(reason);
    }

    static List<Throwable> failures() {
        return List.of(new IllegalArgumentException("the disk is full"), new OutOfMemoryError("Java heap space"),
                new StackOverflowError(), new AssertionError("thrown on purpose"));
    }

    /** Whatever is thrown, wherever in the order, before the turn or in it, by however many threads. */
    @ParameterizedTest
    @MethodSource("failures")
    void nobodyWaitsForATurnThatFailed(Throwable reason) {
        int count = 12;
        for (int threads = 1; threads <= 3; threads++) {
            try (Workers workers = new Workers(Compute.float32(threads))) {
                for (int failing = 0; failing < 2 * count; failing++) {
                    int bad = failing;
                    InTurn turns = new InTurn();
                    List<Integer> order = new ArrayList<>();
                    assertThatThrownBy(() -> workers.forEach(count, turns, (chunk, _) -> {
                        if (bad == 2 * chunk) {
                            throw Thrown.again(reason);
                        }
                        turns.take(chunk, () -> {
                            if (bad == 2 * chunk + 1) {
                                throw Thrown.again(reason);
                            }
                            order.add(chunk);
                        });
                    })).isSameAs(reason);
                    List<Integer> before = IntStream.range(0, bad / 2).boxed().toList();
                    if (threads == 1 || bad % 2 == 1) {
                        assertThat(order).containsExactlyElementsOf(before);
                    } else { // a failure before its turn may come while those before it still wait for theirs
                        assertThat(before).startsWith(order.toArray(Integer[]::new));
                    }
                }
            }
        }
    }

    @Test
    void turnsComeInTheirOrderWhoeverIsFirst() {
        InTurn turns = new InTurn();
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        List<CompletableFuture<Void>> threads = new ArrayList<>();
        for (int turn = 3; turn >= 0; turn--) {
            int mine = turn;
            CompletableFuture<Void> thread = new CompletableFuture<>();
            Thread.ofPlatform().start(() -> {
                turns.take(mine, () -> order.add(mine));
                thread.complete(null);
            });
            threads.add(thread);
        }
        threads.forEach(CompletableFuture::join);
        assertThat(order).containsExactly(0, 1, 2, 3);
    }
}
