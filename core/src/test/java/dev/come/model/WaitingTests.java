package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
class WaitingTests {
    @Test
    void whoWaitsForFailedWorkFailsForTheSameReason() {
        Waiting waiting = new Waiting();
        CompletableFuture<Void> waiter = CompletableFuture.runAsync(() -> waiting.until(() -> false));
        IllegalArgumentException reason = new IllegalArgumentException("the disk is full");
        assertThatThrownBy(() -> waiting.guard(() -> {
            throw reason;
        })).isSameAs(reason);
        assertThatThrownBy(waiter::join).isInstanceOf(CompletionException.class).hasCause(reason);
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
