package dev.come.job;

import dev.come.export.GgufExport;
import dev.come.model.Families;
import dev.come.model.Wrapper;
import java.util.List;
import java.util.stream.Stream;

/**
 * A family of models that can be computed. Every method removes, merges and heals layers of all of them.
 *
 * @param modelType how config.json calls it
 * @param models the models that people know it by
 * @param gguf what llama.cpp calls it, if {@code come export} makes GGUF files of it; "no" otherwise, "its text" if that depends on the
 *        family of the text model inside
 * @param transformersClass its class in transformers
 * @param checkedWith the models whose results were compared with those of transformers; the small ones have random weights
 */
public record FamilySummary(String modelType, String models, String gguf, String transformersClass,
        String checkedWith) {
    /** The text part can be exported if its family can. */
    private static final String OF_ITS_TEXT = "its text";

    /** All of them. */
    public static List<FamilySummary> all() {
        return Stream.concat(Families.ALL.stream()
                .map(family -> new FamilySummary(family.modelType(), family.models(),
                        GgufExport.architecture(family).orElse("no"), family.architecture(),
                        String.join(", ", family.checkedBy()))),
                Wrapper.ALL.stream()
                        .map(wrapper -> new FamilySummary(wrapper.modelType(), wrapper.models(), OF_ITS_TEXT,
                                wrapper.architecture(), String.join(", ", wrapper.checkedBy()))))
                .toList();
    }
}
