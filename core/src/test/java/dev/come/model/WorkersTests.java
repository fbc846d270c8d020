package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InterruptedRunException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkersTests {
    private static final int THREADS = 3;
    private final Workers workers = new Workers(Compute.float32(THREADS));

    @AfterEach
    void close() {
        workers.close();
    }

    /** Comes back when so many threads have come. */
    private static void meet(CountDownLatch latch) {
        latch.countDown();
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).as("others came").isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int[] zeroTo(int count) {
        return IntStream.range(0, count).toArray();
    }

    @Test
    void threadsWithoutAChunkHelpThoseThatHaveOne() {
        CountDownLatch all = new CountDownLatch(THREADS);
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        Set<Workspace> buffers = ConcurrentHashMap.newKeySet();
        List<Integer> done = Collections.synchronizedList(new ArrayList<>());
        workers.forEach(1, (_, own) -> own.share(20, (piece, workspace) -> {
            threads.add(Thread.currentThread());
            buffers.add(workspace);
            if (piece < THREADS) {
                meet(all);
            }
            done.add(piece);
        }));
        assertThat(done.stream().sorted().mapToInt(Integer::intValue).toArray()).containsExactly(zeroTo(20));
        assertThat(threads).hasSize(THREADS);
        assertThat(buffers).hasSize(THREADS);
    }

    @Test
    void whoHelpsMayNeedHelpToo() {
        CountDownLatch all = new CountDownLatch(THREADS);
        AtomicInteger done = new AtomicInteger();
        workers.forEach(1, (_, own) -> own.share(2, (_, helper) -> helper.share(2, (_, _) -> {
            if (done.getAndIncrement() < THREADS) {
                meet(all);
            }
        })));
        assertThat(done).hasValue(4);
    }

    @Test
    void aThreadByItselfDoesAllPiecesInTheirOrder() {
        List<Integer> done = new ArrayList<>();
        try (Workspace workspace = new Workspace(Compute.float32(1))) {
            workspace.share(5, (piece, buffers) -> {
                assertThat(buffers).isSameAs(workspace);
                done.add(piece);
            });
        }
        assertThat(done).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void aPieceThatFailsFailsTheChunkAndAllThreadsCanBeUsedAgain() {
        for (int failing = 0; failing < 4; failing++) {
            int bad = failing;
            assertThatThrownBy(() -> workers.forEach(1, (_, own) -> own.share(4, (piece, _) -> {
                if (piece == bad) {
                    throw new IllegalArgumentException("piece " + piece);
                }
            }))).isInstanceOf(IllegalArgumentException.class).hasMessage("piece " + bad);
            CountDownLatch all = new CountDownLatch(THREADS);
            workers.forEach(THREADS, (_, _) -> meet(all));
        }
    }

    /** Buffers must not go while a thread uses them. */
    @Test
    void whoIsInterruptedWaitsForWhatIsAtWork() {
        AtomicInteger begun = new AtomicInteger();
        AtomicInteger ended = new AtomicInteger();
        Thread main = Thread.currentThread();
        assertThatThrownBy(() -> workers.forEach(1000, (_, _) -> {
            begun.incrementAndGet();
            main.interrupt();
            pause();
            ended.incrementAndGet();
        })).isInstanceOf(InterruptedRunException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(ended.get()).isEqualTo(begun.get()).isBetween(1, 999);
    }

    /** Whatever it is that the thread that shares ends in. */
    @Test
    void anErrorWaitsForThoseWhoHelp() {
        CountDownLatch both = new CountDownLatch(2);
        AtomicInteger ended = new AtomicInteger();
        Error error = new StackOverflowError();
        assertThatThrownBy(() -> workers.forEach(1, (_, own) -> {
            try {
                own.share(2, (_, workspace) -> {
                    meet(both);
                    if (workspace == own) {
                        throw error;
                    }
                    pause();
                    ended.incrementAndGet();
                });
            } catch (StackOverflowError e) {
                assertThat(ended).hasValue(1);
                throw e;
            }
        })).isSameAs(error);
    }

    @Test
    void aFailureEndsWhatOthersHaveNotBegun() {
        AtomicInteger begun = new AtomicInteger();
        Error error = new AssertionError("thrown on purpose");
        // The calling thread asks for the first result first; the failure of another must not wait for it.
        assertThatThrownBy(() -> workers.forEach(10_000, (chunk, _) -> {
            begun.incrementAndGet();
            if (chunk == THREADS) {
                throw error;
            }
            pause();
        })).isSameAs(error);
        assertThat(begun.get()).isLessThanOrEqualTo(3 * THREADS);
    }

    @Test
    void whoIsClosedHasNoThreads() throws InterruptedException {
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        try (Workers others = new Workers(Compute.float32(THREADS))) {
            CountDownLatch all = new CountDownLatch(THREADS);
            others.forEach(THREADS, (_, _) -> {
                threads.add(Thread.currentThread());
                meet(all);
            });
        }
        for (Thread thread : threads) {
            assertThat(thread.join(Duration.ofMinutes(1))).isTrue(); // it has nothing to do any more, but may not have ended yet
        }
        assertThat(threads).hasSize(THREADS);
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void onlySoManyChunksAreAtWorkAtOnce() {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        workers.forEach(50, 2, new Waiting(), (_, _) -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            now.decrementAndGet();
        });
        assertThat(most.get()).isBetween(1, 2);
    }

    @Test
    void noThreadWaitsForItself() {
        CountDownLatch all = new CountDownLatch(THREADS);
        assertThatThrownBy(() -> workers.forEach(THREADS, (_, _) -> {
            meet(all);
            workers.forEach(1, (_, _) -> {
            });
        })).isInstanceOf(IllegalStateException.class).hasMessageContaining("all threads are at work");
    }
}
