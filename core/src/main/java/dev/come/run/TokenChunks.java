package dev.come.run;

import dev.come.model.TokenLayout;
import dev.come.text.Sequences;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Sequences cut into chunks that a thread takes at a time: a long sequence alone, short ones together, so that products stay
 * large.
 *
 * @param chunks the chunks in the order of the sequences
 */
public record TokenChunks(List<Chunk> chunks) implements Serializable {
    /** Tokens of a chunk, about, where nothing else is asked for. */
    public static final int TOKENS = 2048;

    public TokenChunks {
        chunks = List.copyOf(chunks);
    }

    /**
     * Some sequences.
     *
     * @param first the number of the first sequence
     * @param tokens their ids, end to end
     */
    public record Chunk(int first, int[] tokens, TokenLayout layout) implements Serializable {
        public int sequences() {
            return layout.lengths().length;
        }

        /** Visits each sequence: its number, where its tokens begin in the chunk, and how many they are. */
        public void forEachSequence(SequenceVisitor visitor) {
            int start = 0;
            for (int i = 0; i < sequences(); i++) {
                visitor.visit(first + i, start, layout.lengths()[i]);
                start += layout.lengths()[i];
            }
        }

        /** For each token the one that comes next in its sequence; -1 for the last. */
        public int[] nextTokens() {
            int[] next = new int[tokens.length];
            System.arraycopy(tokens, 1, next, 0, Math.max(0, tokens.length - 1));
            for (long last : lastTokens()) {
                next[(int) last] = -1;
            }
            return next;
        }

        /** The positions of the last token of each sequence. */
        public long[] lastTokens() {
            long[] positions = new long[sequences()];
            long end = 0;
            for (int i = 0; i < positions.length; i++) {
                end += layout.lengths()[i];
                positions[i] = end - 1;
            }
            return positions;
        }
    }

    /** Sees one sequence of a chunk. */
    public interface SequenceVisitor {
        void visit(int sequence, int start, int length);
    }

    /** Chunks of about 2048 tokens. */
    public static TokenChunks of(Sequences sequences) {
        return of(sequences, TOKENS);
    }

    /** Chunks with at most the given number of tokens, except those of one sequence that is longer. */
    public static TokenChunks of(Sequences sequences, int most) {
        List<Chunk> chunks = new ArrayList<>();
        int first = 0;
        while (first < sequences.count()) {
            int end = first + 1;
            int tokens = sequences.length(first);
            while (end < sequences.count() && tokens + sequences.length(end) <= most) {
                tokens += sequences.length(end++);
            }
            Sequences part = sequences.slice(first, end);
            int[] lengths = new int[part.count()];
            for (int i = 0; i < lengths.length; i++) {
                lengths[i] = part.length(i);
            }
            chunks.add(new Chunk(first, part.tokens(), TokenLayout.of(lengths)));
            first = end;
        }
        return new TokenChunks(chunks);
    }

    public int size() {
        return chunks.size();
    }

    public Chunk get(int index) {
        return chunks.get(index);
    }

    /** The number of their first sequence; 0 if there are none. */
    public int firstSequence() {
        return chunks.isEmpty() ? 0 : chunks.getFirst().first();
    }

    /** How many sequences they hold. */
    public int sequences() {
        return chunks.stream().mapToInt(Chunk::sequences).sum();
    }

    /** How many tokens they hold. */
    public long tokens() {
        return chunks.stream().mapToLong(chunk -> chunk.tokens().length).sum();
    }

    /** These chunks, then others; their sequences are numbered on. */
    public TokenChunks followedBy(TokenChunks others) {
        int sequences = sequences();
        List<Chunk> all = new ArrayList<>(chunks);
        others.chunks.forEach(chunk -> all.add(new Chunk(sequences + chunk.first, chunk.tokens, chunk.layout)));
        return new TokenChunks(all);
    }

    /** The chunks from one on; their sequences are numbered anew. */
    public TokenChunks from(int first) {
        List<Chunk> rest = chunks.subList(first, chunks.size());
        return new TokenChunks(rest.stream()
                .map(chunk -> new Chunk(chunk.first - rest.getFirst().first, chunk.tokens, chunk.layout)).toList());
    }

    /** The chunks from one on up to another, which is not among them; their sequences keep their numbers. */
    public TokenChunks some(int from, int to) {
        return new TokenChunks(chunks.subList(from, to));
    }

    /**
     * Chunks that go through together.
     *
     * @param tokens how many tokens a group holds at most
     * @param least how many chunks it holds at least
     */
    public List<TokenChunks> groups(long tokens, int least) {
        List<TokenChunks> groups = new ArrayList<>();
        List<Chunk> group = new ArrayList<>();
        long held = 0;
        for (Chunk chunk : chunks) {
            if (group.size() >= least && held + chunk.tokens().length > tokens) {
                groups.add(new TokenChunks(group));
                group = new ArrayList<>();
                held = 0;
            }
            group.add(chunk);
            held += chunk.tokens().length;
        }
        if (!group.isEmpty()) {
            groups.add(new TokenChunks(group));
        }
        return groups;
    }
}
