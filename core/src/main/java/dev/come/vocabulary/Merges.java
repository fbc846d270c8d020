package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Shown;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Which tokens are put together, the most important first: two tokens with a blank between them. */
final class Merges {
    private Merges() {
    }

    /**
     * Checks them.
     *
     * @throws CheckpointException when a merge is not of two tokens whose joint text is a token
     */
    static void check(Path file, Map<String, Integer> ids, List<String> merges) {
        for (int i = 0; i < merges.size(); i++) {
            String merge = merges.get(i);
            int blank = merge.indexOf(' ');
            String left = merge.substring(0, Math.max(blank, 0));
            String right = merge.substring(blank + 1);
            if (!ids.containsKey(left) || !ids.containsKey(right) || !ids.containsKey(left + right)) {
                throw new CheckpointException(
                        ("%s: merge %s is '%s', where two tokens with a blank between them are expected that make a third; "
                                + "the vocabulary is damaged, fetch the file again")
                                .formatted(file, i + 1, Shown.of(merge)));
            }
        }
    }

    /** Writes vocabulary and merges of a model. */
    static void write(ObjectNode model, Map<String, Integer> ids, List<String> merges) {
        ObjectNode vocabulary = model.putObject("vocab");
        ids.forEach(vocabulary::put);
        ArrayNode list = model.putArray("merges");
        merges.forEach(list::add);
    }
}
