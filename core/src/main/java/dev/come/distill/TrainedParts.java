package dev.come.distill;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.come.UsageException;
import dev.come.checkpoint.RecordNames;
import dev.come.failure.Nearest;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.stack.LayerStack;
import java.io.Serializable;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Which weights learn when the whole model is trained.
 *
 * @param last of {@link Which#LAST}, how many layers; 0 elsewhere
 */
public record TrainedParts(Which which, int last) implements Serializable {
    /** Layers that were merged, and those beside a place where layers were removed. */
    public static final TrainedParts MERGED = new TrainedParts(Which.MERGED, 0);

    /** All layers. */
    public static final TrainedParts ALL = new TrainedParts(Which.ALL, 0);

    /** The norms of all layers. */
    public static final TrainedParts NORMS = new TrainedParts(Which.NORMS, 0);

    private static final String OPTION = "--train";
    private static final Pattern LAST = Pattern.compile("last:(\\d{1,9})");

    /** The kinds of choices. */
    enum Which {
        MERGED, ALL, NORMS,
        /** The last layers, which are gone back through alone. */
        LAST
    }

    public TrainedParts {
        if (which == Which.LAST && last < 1) {
            throw new UsageException(OPTION + " last:" + last + " trains no layer; at least one must learn");
        }
    }

    /** The last layers of a model. */
    public static TrainedParts last(int layers) {
        return new TrainedParts(Which.LAST, layers);
    }

    /**
     * Those of a user's word: {@code merged} or {@code cut}, which are the same, {@code all}, {@code norms} or {@code last:N}.
     *
     * @throws UsageException if it is none of these
     */
    @JsonCreator
    public static TrainedParts of(String word) {
        Matcher matcher = LAST.matcher(word);
        if (matcher.matches()) {
            return last(Integer.parseInt(matcher.group(1)));
        }
        return switch (word) {
            // As --heal-scope calls it.
            case "cut", "merged" -> MERGED;
            case "all" -> ALL;
            case "norms" -> NORMS;
            default -> throw new UsageException(OPTION + ": there is no " + word
                    + Nearest.hint(word, names().toList()) + "; choose from: "
                    + names().collect(Collectors.joining(", ")));
        };
    }

    private static Stream<String> names() {
        return Stream.of("merged", "cut", "all", "norms", "last:N");
    }

    /** The word that a user types for them. */
    @JsonValue
    public String label() {
        return RecordNames.name(which) + (which == Which.LAST ? ":" + last : "");
    }

    @Override
    public String toString() {
        return label();
    }

    /**
     * The positions of the layers that learn.
     *
     * @throws UsageException if there are fewer layers than should learn
     */
    List<Integer> positions(LayerStack stack, int originals) {
        if (last > stack.size()) {
            throw new UsageException(
                    OPTION + " last:" + last + " asks for more layers than the pruned model has, which are "
                            + stack.size() + "; lower the number, or take all");
        }
        return IntStream.range(0, stack.size()).filter(position -> switch (which) {
            case MERGED -> isMerged(stack, position) || isBesideRemoved(stack, position, originals);
            case ALL, NORMS -> true;
            case LAST -> position >= stack.size() - last;
        }).boxed().toList();
    }

    /**
     * The parts of these layers that learn.
     *
     * @throws UsageException if norms shall learn, and those of the model have no weights
     */
    Set<Part> parts(ModelConfig config) {
        Set<Part> parts = config.parts().stream()
                .filter(part -> which == Which.NORMS ? part.isOfNorm() : part.isLearned()).collect(Collectors.toSet());
        if (parts.isEmpty()) {
            throw new UsageException(OPTION + ": the norms of this model have no weights that could be trained; "
                    + "take merged or all");
        }
        return parts;
    }

    /** Whether a layer stands for several of the teacher. */
    static boolean isMerged(LayerStack stack, int position) {
        return stack.get(position).originals().count() > 1;
    }

    private static boolean isBesideRemoved(LayerStack stack, int position, int originals) {
        int before = position == 0 ? -1 : last(stack, position - 1);
        int after = position == stack.size() - 1 ? originals : first(stack, position + 1);
        return first(stack, position) != before + 1 || last(stack, position) != after - 1;
    }

    /** The first original layer that a layer stands for. */
    static int first(LayerStack stack, int position) {
        return stack.get(position).originals().findFirst().orElseThrow();
    }

    /** The last original layer that a layer stands for. */
    static int last(LayerStack stack, int position) {
        return stack.get(position).originals().max().orElseThrow();
    }
}
