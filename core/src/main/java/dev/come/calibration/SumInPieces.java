package dev.come.calibration;

import dev.come.calibration.LargeQuestion.Answer;
import dev.come.calibration.LargeQuestion.Total;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A large sum over shards on its way between machines. Each shard takes its own sums apart into pieces of some megabytes; pieces of
 * one number are added in the order of the shards, here or on the way, and put together here. So whoever asks holds one whole sum and
 * a few pieces. Safe for use by several threads.
 *
 * @param <A> what shards say besides
 * @param <S> the sums
 */
public final class SumInPieces<A extends Serializable, S extends LargeSums> implements AutoCloseable {
    /** Elements of a piece. */
    private static final int ELEMENTS = 1 << 20;

    private final LargeQuestion<A, S> question;
    private final LayerStore store;
    private final SortedMap<Integer, Header> headers = new TreeMap<>();
    /** Pieces that have come before anything was said of their shapes. */
    private final List<Map<Integer, Numbers>> early = new ArrayList<>();
    private @Nullable S sums;

    /**
     * What a shard says besides the pieces.
     *
     * @param said the answer of the question
     */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares messages
    public record Header(Serializable said, double[] numbers) implements Serializable {}

    /**
     * Begins with nothing.
     *
     * @param store makes layers here
     */
    public SumInPieces(LargeQuestion<A, S> question, LayerStore store) {
        this.question = question;
        this.store = store;
    }

    /**
     * A piece of a shard's sums.
     *
     * @param number from 0; the same piece of all shards has the same
     */
    public record Piece(int number, Numbers numbers) implements Serializable {}

    /**
     * The answer of a shard, taken apart where the shard lies: its pieces one after the other. Those that are zero all over are left
     * out, as where a shard has no tokens of a kind.
     */
    public static final class Apart implements Iterator<Piece>, AutoCloseable {
        private final Answer<?, ?> answer;
        private int block;
        private long row;
        private int number;
        private @Nullable Piece next;

        /** @param answer closed with this */
        Apart(Answer<?, ?> answer) {
            this.answer = answer;
        }

        /** What the shard says besides. */
        public Header header() {
            return new Header(answer.said(), answer.sums().numbers());
        }

        @Override
        public boolean hasNext() {
            while (next == null) {
                Optional<Piece> found = look();
                if (found.isEmpty()) {
                    return false;
                }
                next = found.get().numbers.areZero() ? null : found.get();
            }
            return true;
        }

        @Override
        public Piece next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Piece found = Objects.requireNonNull(next);
            next = null;
            return found;
        }

        private Optional<Piece> look() {
            try (var _ = new PointerScope()) {
                List<Tensor> blocks = answer.sums().blocks();
                if (block >= blocks.size()) {
                    return Optional.empty();
                }
                Tensor from = blocks.get(block);
                Piece piece = new Piece(number++, Numbers.of(rows(from, row)));
                row += rows(from);
                if (row >= from.size(0)) {
                    block++;
                    row = 0;
                }
                return Optional.of(piece);
            }
        }

        @Override
        public void close() {
            answer.sums().close();
        }
    }

    private static long rows(Tensor block) {
        return Math.max(1, ELEMENTS / Math.max(1, block.numel() / block.size(0)));
    }

    private static Tensor rows(Tensor block, long first) {
        return block.narrow(0, first, Math.min(rows(block), block.size(0) - first));
    }

    /** About how many bytes come in all. */
    public long bytes() {
        return question.bytes(store);
    }

    /** Takes what a shard says. */
    @SuppressWarnings("unchecked") // it answers this question
    public synchronized void add(int shard, Header header) {
        headers.put(shard, header);
        if (sums == null) {
            sums = question.nothing(store, (A) header.said);
            early.forEach(this::add);
            early.clear();
        }
    }

    /** Adds pieces by their numbers; those of one number in the order of the shards. */
    public synchronized void add(Map<Integer, Numbers> pieces) {
        if (sums == null) {
            early.add(pieces);
            return;
        }
        S into = sums;
        try (var _ = new PointerScope()) {
            int piece = 0;
            for (Tensor block : into.blocks()) {
                for (long row = 0; row < block.size(0); row += rows(block), piece++) {
                    Numbers numbers = pieces.get(piece);
                    if (numbers != null) {
                        try (var _ = new PointerScope()) {
                            Tensor some = rows(block, row);
                            some.add_(numbers.tensor(some));
                        }
                    }
                }
            }
        }
    }

    /** The whole, when all is there; the sums now belong to the caller. */
    @SuppressWarnings("unchecked") // it answers this question
    public synchronized Total<A, S> total() {
        S all = sums;
        if (all == null) {
            throw new IllegalStateException("no shard has said anything");
        }
        List<A> said = new ArrayList<>();
        headers.values().forEach(header -> {
            said.add((A) header.said);
            all.add(header.numbers);
        });
        sums = null;
        return new Total<>(said, all);
    }

    @Override
    public synchronized void close() {
        if (sums != null) {
            sums.close();
        }
        sums = null;
    }
}
