package dev.come.job;

import dev.come.export.GgufExport;
import dev.come.model.Families;
import dev.come.model.Wrapper;
import java.util.List;
import java.util.stream.Stream;

/**
 * A family of models that can be computed.
 *
 * @param modelType how config.json calls it
 * @param models the models that people know it by
 * @param gguf what llama.cpp calls it, if {@code come export} makes GGUF files of it; "no" otherwise, "its text" if that depends on the
 *        family of the text model inside
 * @param llamaCppOrder which orders of layers that attend in different ways llama.cpp computes of it; "no windows" if it lets all
 *        layers see everything, and "-" where there is no GGUF file
 * @param methods which methods make smaller models of it
 * @param concatMerge whether layers are merged by concatenation
 * @param healing whether its layers are healed, in closed form and by training
 * @param transformersClass its class in transformers
 * @param checkedWith the models whose results were compared with those of transformers; the small ones have random weights
 */
public record FamilySummary(String modelType, String models, String gguf, String llamaCppOrder, String methods,
        String concatMerge, String healing, String transformersClass, String checkedWith) {
    /** The text part can be exported if its family can. */
    private static final String OF_ITS_TEXT = "its text";
    private static final String NONE = "-";

    /** One whose layers all methods remove, merge and heal: SavedFamiliesTests and RefitsTests do so with each of them. */
    private FamilySummary(String modelType, String models, String gguf, String llamaCppOrder, String transformersClass,
            List<String> checkedBy) {
        this(modelType, models, gguf, llamaCppOrder, "all", "yes", "yes", transformersClass,
                String.join(", ", checkedBy));
    }

    /** All of them. */
    public static List<FamilySummary> all() {
        return Stream.concat(Families.ALL.stream()
                .map(family -> new FamilySummary(family.modelType(), family.models(),
                        GgufExport.architecture(family).orElse("no"), GgufExport.orders(family).orElse(NONE),
                        family.architecture(), family.checkedBy())),
                Wrapper.ALL.stream()
                        .map(wrapper -> new FamilySummary(wrapper.modelType(), wrapper.models(), OF_ITS_TEXT,
                                OF_ITS_TEXT, wrapper.architecture(), wrapper.checkedBy())))
                .toList();
    }
}
