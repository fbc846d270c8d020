package dev.come.stack;

import dev.come.model.ModelConfig;
import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The recipe of one layer of a pruned model. Holds no weights, never changes, and is equal to its equals. */
public sealed interface LayerNode extends Serializable {
    /** The original layers that this one stands for, first to last. */
    IntStream originals();

    /** The original layers under the node as nested lists, the way the paper writes them, for example {@code [2, [3, 4]]}. */
    default String tree() {
        StringBuilder text = new StringBuilder();
        appendTree(text);
        return text.toString();
    }

    /** Adds {@link #tree} to a text. */
    void appendTree(StringBuilder text);

    /** Adds the trees of layers as a list. */
    static void appendTrees(List<LayerNode> layers, StringBuilder text) {
        text.append('[');
        for (int i = 0; i < layers.size(); i++) {
            text.append(i == 0 ? "" : ", ");
            layers.get(i).appendTree(text);
        }
        text.append(']');
    }

    /** The trained layers whose weights this one is made from; itself, if it is trained. */
    Stream<Trained> trained();

    /** Whether this is the recipe of exactly one layer of such a model. */
    boolean fits(ModelConfig config);

    /**
     * A layer of the checkpoint as it is.
     *
     * @param index its number there, from 0
     */
    record Original(int index) implements LayerNode {
        @Override
        public IntStream originals() {
            return IntStream.of(index);
        }

        @Override
        public void appendTree(StringBuilder text) {
            text.append(index);
        }

        @Override
        public Stream<Trained> trained() {
            return Stream.empty();
        }

        @Override
        public boolean fits(ModelConfig config) {
            return index >= 0 && index < config.layers();
        }
    }

    /**
     * CoMe: layers concatenated from a share of the heads and channels of each (paper, concatenation-based layer merge).
     *
     * @param shares what each source gives, in layer order; together they give exactly one layer
     * @param queryHeads which query heads belong to a key-value head
     * @param mergeNorms what becomes of the norms before attention and feed-forward
     */
    record Concatenated(List<Share> shares, QueryHeads queryHeads, MergeNorms mergeNorms) implements LayerNode {
        public Concatenated {
            shares = List.copyOf(shares);
        }

        /** With averaged norms, as in the paper. */
        public Concatenated(List<Share> shares, QueryHeads queryHeads) {
            this(shares, queryHeads, MergeNorms.MEAN);
        }

        @Override
        public IntStream originals() {
            return shares.stream().flatMapToInt(share -> share.source().originals());
        }

        @Override
        public void appendTree(StringBuilder text) {
            appendTrees(sources().toList(), text);
        }

        @Override
        public Stream<Trained> trained() {
            return sources().flatMap(LayerNode::trained);
        }

        @Override
        public boolean fits(ModelConfig config) {
            return shares.stream().allMatch(share -> share.source().fits(config))
                    && fill(shares.stream().map(Share::keyValueHeads).toList(), config.keyValueHeads())
                    && fill(shares.stream().map(Share::channels).toList(), config.intermediateSize());
        }

        /** Whether what is kept of every source is ascending and below the count, and is that many in all. */
        private static boolean fill(List<List<Integer>> kept, int count) {
            return kept.stream().mapToInt(List::size).sum() == count
                    && kept.stream().allMatch(indices -> IntStream.range(0, indices.size())
                            .allMatch(i -> indices.get(i) >= 0 && indices.get(i) < count
                                    && (i == 0 || indices.get(i - 1) < indices.get(i))));
        }

        /**
         * The same with all that the sources have, side by side. It is no layer of the model, since it has as many times its heads
         * and channels as there are sources.
         *
         * @param keyValueHeads of each source
         * @param channels of each source
         */
        public Concatenated whole(int keyValueHeads, int channels) {
            List<Integer> heads = IntStream.range(0, keyValueHeads).boxed().toList();
            List<Integer> all = IntStream.range(0, channels).boxed().toList();
            return new Concatenated(
                    shares.stream().map(share -> new Share(share.source(), share.ratio(), heads, all)).toList(),
                    queryHeads, mergeNorms);
        }

        /** The sources in layer order. */
        public Stream<LayerNode> sources() {
            return shares.stream().map(Share::source);
        }
    }

    /**
     * What one source gives to a concatenated layer.
     *
     * @param ratio its share of the merge; weighs the biases of output projections
     * @param keyValueHeads the key-value heads that are kept, ascending, each with all its query heads
     * @param channels the feed-forward channels that are kept, ascending
     */
    record Share(LayerNode source, double ratio, List<Integer> keyValueHeads, List<Integer> channels)
            implements
                Serializable {
        public Share {
            keyValueHeads = List.copyOf(keyValueHeads);
            channels = List.copyOf(channels);
        }
    }

    /**
     * Layers added up, each with a factor. MKA: everything, by the shares of the fusion. LaCo: the matrices only; with the
     * factors 1 - m, 1, ..., 1 for a base and m layers after it these are the base and the sum of the differences to it
     * (paper), with 0, ..., 0, 1 the last layer (official code).
     *
     * @param terms two or more, in layer order
     * @param scope what is added up
     */
    record WeightedSum(List<Term> terms, Scope scope) implements LayerNode {
        public WeightedSum {
            terms = List.copyOf(terms);
        }

        @Override
        public IntStream originals() {
            return terms.stream().flatMapToInt(term -> term.source().originals());
        }

        @Override
        public void appendTree(StringBuilder text) {
            appendTrees(terms.stream().map(Term::source).toList(), text);
        }

        @Override
        public Stream<Trained> trained() {
            return terms.stream().flatMap(term -> term.source().trained());
        }

        @Override
        public boolean fits(ModelConfig config) {
            return terms.stream().allMatch(term -> term.source().fits(config));
        }
    }

    /** A layer and its factor in a sum; the factor is finite. */
    record Term(LayerNode source, double factor) implements Serializable {}

    /** Which tensors of a layer a sum is about. */
    enum Scope {
        /** All. */
        ALL,
        /** Matrices; norms and biases stay those of the first layer. */
        MATRICES
    }

    /**
     * A layer whose weights were changed after it was made. They cannot be made again from the checkpoint, so they lie in a
     * file beside the plan; a saved model holds them itself, at the layer's position.
     *
     * @param start the layer before its weights were changed
     * @param training what changed them
     * @param position the layer's position in the stack, under which its tensors are named
     * @param sha256 of the data of its tensors, part after part, in hexadecimal digits
     */
    record Trained(LayerNode start, Training training, int position, String sha256) implements LayerNode {
        @Override
        public IntStream originals() {
            return start.originals();
        }

        @Override
        public void appendTree(StringBuilder text) {
            start.appendTree(text);
        }

        @Override
        public Stream<Trained> trained() {
            return Stream.of(this);
        }

        @Override
        public boolean fits(ModelConfig config) {
            return start.fits(config) && position >= 0 && position < config.layers();
        }
    }

    /** What gives a layer other weights. */
    enum Training {
        /** Steps against the gradient of what it differs from its teacher by. */
        DISTILLED,
        /** The least squares solution. */
        REFITTED
    }

    /** What becomes of the norms before attention and feed-forward when layers are concatenated. */
    enum MergeNorms {
        /** Their plain mean, as in the paper; rows of every source then get another input than they had. */
        MEAN,
        /**
         * The norm of the source with the largest share, the first on ties. Rows of the others are scaled, column by column,
         * by what their own norm has more of: {@code W (g x) = (W diag(g / m)) (m x)}. So every row gives what it gave.
         */
        FOLD
    }

    /** Which query heads are taken along with a key-value head. */
    enum QueryHeads {
        /** The consecutive heads that attend with it, which is what the model computes. */
        GROUPED,
        /** Every n-th head, n the number of key-value heads: what the authors' code takes (--compat reference). */
        TILED
    }
}
