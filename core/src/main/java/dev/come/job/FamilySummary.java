package dev.come.job;

import dev.come.export.GgufExport;
import dev.come.model.Families;
import java.util.List;

/**
 * A family of models that can be computed. Every method removes, merges and heals layers of all of them.
 *
 * @param modelType how config.json calls it
 * @param models the models that people know it by
 * @param gguf what llama.cpp calls it, if {@code come export} makes GGUF files of it; "no" otherwise
 * @param transformersClass its class in transformers
 * @param checkedWith the models whose results were compared with those of transformers; the small ones have random weights
 */
public record FamilySummary(String modelType, String models, String gguf, String transformersClass,
        String checkedWith) {
    /** All of them. */
    public static List<FamilySummary> all() {
        return Families.ALL.stream()
                .map(family -> new FamilySummary(family.modelType(), family.models(),
                        GgufExport.architecture(family).orElse("no"), family.architecture(),
                        String.join(", ", family.checkedBy())))
                .toList();
    }
}
