package dev.come;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Throws, or does something else, when progress is told of for the n-th time, by whatever thread; keeps notes and counts. */
public final class FailingProgress implements Progress {
    private final List<String> notes = Collections.synchronizedList(new ArrayList<>());
    private final AtomicInteger calls = new AtomicInteger();
    private final int last;
    private final Runnable deed;

    /**
     * Fails once.
     *
     * @param call which call throws, from 1 on
     * @param failure an error or an unchecked exception
     */
    public FailingProgress(int call, Throwable failure) {
        this(call, () -> fail(failure));
    }

    /**
     * Does something once.
     *
     * @param call at which call, from 1 on
     */
    public FailingProgress(int call, Runnable deed) {
        this.last = call;
        this.deed = deed;
    }

    private static void fail(Throwable failure) {
        switch (failure) {
            case Error error -> throw error;
            case RuntimeException exception -> throw exception;
            default -> throw new IllegalStateException(failure);
        }
    }

    /** Never fails. */
    public static FailingProgress counting() {
        return new FailingProgress(Integer.MAX_VALUE, new AssertionError());
    }

    /** How often it was told something. */
    public int calls() {
        return calls.get();
    }

    /** What the user was told. */
    public List<String> notes() {
        return notes;
    }

    private void count() {
        if (calls.incrementAndGet() == last) {
            deed.run();
        }
    }

    @Override
    public Task begin(String what, long total, String unit) {
        count();
        return new Task() {
            @Override
            public void advance(long steps) {
                count();
            }

            @Override
            public void close() {
                count();
            }
        };
    }

    @Override
    public void note(String line) {
        notes.add(line);
        count();
    }
}
