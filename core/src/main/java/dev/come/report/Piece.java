package dev.come.report;

import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.WeightedSum;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A layer of a result as a map of layers shows it.
 *
 * @param first the first of the original layers that it stands for
 * @param last the last of them
 * @param sources what it was merged from; none for an original layer
 * @param shares the share or factor of each source; empty where it is not known
 * @param change what gave it other weights, in a word; empty if nothing did
 */
record Piece(int first, int last, List<Piece> sources, List<Double> shares, String change) {
    private static final JsonMapper JSON = new JsonMapper();

    Piece {
        sources = List.copyOf(sources);
        shares = List.copyOf(shares);
    }

    /** The layers of a stack. */
    static List<Piece> of(LayerStack stack) {
        return stack.nodes().stream().map(Piece::of).toList();
    }

    private static Piece of(LayerNode node) {
        return switch (node) {
            case Original original -> new Piece(original.index(), original.index(), List.of(), List.of(), "");
            case Concatenated merged -> merged(merged.shares().stream().map(share -> of(share.source())).toList(),
                    merged.shares().stream().map(LayerNode.Share::ratio).toList());
            case WeightedSum sum -> merged(sum.terms().stream().map(term -> of(term.source())).toList(),
                    sum.terms().stream().map(LayerNode.Term::factor).toList());
            case Trained trained -> {
                Piece start = of(trained.start());
                yield new Piece(start.first, start.last, start.sources, start.shares,
                        trained.training().name().toLowerCase(Locale.ROOT));
            }
        };
    }

    /**
     * The layers of a stack that is only known as nested lists.
     *
     * @param tree as {@link LayerStack#tree} writes it
     */
    static List<Piece> ofTree(String tree) {
        try {
            return JSON.readTree(tree).valueStream().map(Piece::ofJson).toList();
        } catch (JacksonException _) {
            return List.of();
        }
    }

    private static Piece ofJson(JsonNode node) {
        return node.isArray()
                ? merged(node.valueStream().map(Piece::ofJson).toList(), List.of())
                : new Piece(node.asInt(), node.asInt(), List.of(), List.of(), "");
    }

    private static Piece merged(List<Piece> sources, List<Double> shares) {
        return new Piece(sources.getFirst().first, sources.getLast().last, sources, shares, "");
    }

    boolean isMerged() {
        return !sources.isEmpty();
    }

    boolean isChanged() {
        return !change.isEmpty();
    }

    /** How many merges lie in each other. */
    int depth() {
        return isMerged() ? 1 + sources.stream().mapToInt(Piece::depth).max().orElse(0) : 0;
    }

    /** The original layers that it is made from. */
    IntStream originals() {
        return isMerged() ? sources.stream().flatMapToInt(Piece::originals) : IntStream.of(first);
    }

    /** As the paper writes it, for example {@code [2, [3, 4]]}. */
    String tree() {
        return isMerged() ? sources.stream().map(Piece::tree).toList().toString() : "" + first;
    }

    /** The shares as a text, for example {@code 0.462 : 0.538}; empty if they are not known. */
    String shareText() {
        return shares.stream().map(share -> String.format(Locale.ROOT, "%.3f", share))
                .collect(Collectors.joining(" : "));
    }

    /** What became of it, in words. */
    String describe() {
        String what = isMerged()
                ? "merged " + tree() + (shares.isEmpty() ? "" : ", " + shareText())
                : "layer " + first + " kept";
        return what + (isChanged() ? ", " + change : "");
    }

    /** It and all that it was merged from, the inner ones first. */
    List<Piece> merges() {
        List<Piece> merges = new ArrayList<>();
        sources.forEach(source -> merges.addAll(source.merges()));
        if (isMerged()) {
            merges.add(this);
        }
        return merges;
    }
}
