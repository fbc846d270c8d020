package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.TensorInfo;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Tensors under the names that all other code asks for, where their files call them otherwise. There are three such kinds of file,
 * and transformers reads them all.
 *
 * <ul>
 * <li>Some name the tensors of the model without its output projection, whose names lack {@code model.} at the beginning: OPT 350m,
 * 6.7b, 13b and 30b, and whatever is saved by a class without that projection.
 * <li>Some models with tied embeddings are stored with {@code lm_head.weight} in the place of the embedding.
 * <li>In models that see images too the text model is a part ({@link Wrapper}).
 * </ul>
 */
public final class UsualNames {
    private UsualNames() {
    }

    /**
     * Opens a model folder.
     *
     * @throws CheckpointException as {@link Checkpoint#open(Path)}
     */
    public static Checkpoint open(Path folder) {
        return Checkpoint.open(of(CheckpointHeaders.read(folder)));
    }

    /** The headers of a model with the usual names. Of a family that is not known they stay as they are. */
    public static CheckpointHeaders of(CheckpointHeaders headers) {
        CheckpointHeaders text = Wrapper.find(headers.wholeConfig()).map(wrapper -> wrapper.textOf(headers))
                .orElse(headers);
        return Family.find(text.config()).map(family -> of(text, family)).orElse(text);
    }

    private static CheckpointHeaders of(CheckpointHeaders headers, Family family) {
        CheckpointHeaders whole = headers.renamed(name -> usual(name, family));
        Family.Names names = family.names();
        boolean onlyHead = !whole.contains(names.embedding()) && whole.contains(names.head())
                && family.bool(headers.config(), "tie_word_embeddings", false);
        return onlyHead ? whole.renamed(name -> name.equals(names.head()) ? names.embedding() : name) : whole;
    }

    /** What a user should know: which tensor is read under another name, or is not read at all. */
    public static Optional<String> remark(CheckpointHeaders usual) {
        Optional<Wrapper> wrapper = Wrapper.find(usual.wholeConfig());
        if (wrapper.isPresent()) {
            return Optional.of(wrapper.get().remark(usual));
        }
        List<String> names = usual.names();
        List<TensorInfo> stored = usual.tensors();
        int[] other = IntStream.range(0, names.size()).filter(i -> !names.get(i).equals(stored.get(i).name()))
                .toArray();
        return other.length == 0
                ? Optional.empty()
                : Optional.of("tensor " + stored.get(other[0]).name() + " is read as " + names.get(other[0])
                        + (other.length == 1 ? "" : " (and " + (other.length - 1) + " more in the same way)")
                        + "; models made from this one have the usual name");
    }

    /** What stands before the name of every tensor and belongs to no model of the family. */
    static Optional<String> strangePrefix(List<String> names, Family family) {
        if (names.isEmpty() || names.stream().anyMatch(name -> isKnown(name, family))) {
            return Optional.empty();
        }
        String first = names.getFirst();
        return IntStream.range(0, first.length()).filter(i -> first.charAt(i) == '.')
                .mapToObj(i -> first.substring(0, i + 1))
                .filter(prefix -> names.stream().allMatch(
                        name -> name.startsWith(prefix) && isKnown(name.substring(prefix.length()), family)))
                .findFirst();
    }

    /** The name that a tensor has in the whole model, given the one that it may have in the model without its projection. */
    private static String usual(String name, Family family) {
        String whole = family.names().base() + name;
        return isOf(family, whole) ? whole : name;
    }

    private static boolean isKnown(String name, Family family) {
        return isOf(family, name) || isOf(family, family.names().base() + name);
    }

    static boolean isOf(Family family, String name) {
        Family.Names others = family.names();
        return name.startsWith(family.layerPrefix())
                || Stream.of(others.embedding(), others.finalNorm(), others.finalNormBias(), others.head())
                        .anyMatch(name::equals)
                || Stream.of(others.positions(), others.projectIn(), others.projectOut())
                        .anyMatch(other -> other.equals(Optional.of(name)));
    }
}
