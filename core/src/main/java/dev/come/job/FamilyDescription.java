package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.checkpoint.RecordNames;
import dev.come.model.Family;
import dev.come.model.FamilyFile;
import dev.come.model.Part;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * What a user's own description of a family says, checked.
 *
 * @param modelType the models that it is for, as their config.json calls them
 * @param outside tensors outside of the layers, by what they are
 * @param layerPrefix what the names of all tensors of layers begin with, up to the layer's number
 * @param parts the tensors of a layer, by what they are; some only in models whose config.json says so
 * @param norm the formula of all norms
 * @param traits what is computed otherwise than in Llama
 * @param defaults what is meant where config.json leaves a key out; "none" where nothing is
 */
public record FamilyDescription(String modelType, SequencedMap<String, String> outside, String layerPrefix,
        SequencedMap<String, String> parts, String norm, List<String> traits, SequencedMap<String, String> defaults) {
    /**
     * Reads a description and checks it.
     *
     * @throws InvalidInputException if it describes no family
     */
    public static FamilyDescription of(Path file) {
        Family family = FamilyFile.read(file);
        SequencedMap<String, String> outside = new TreeMap<>();
        outside.put("embedding", family.names().embedding());
        outside.put("final_norm", family.names().finalNorm());
        outside.put("head", family.names().head());
        SequencedMap<String, String> parts = new LinkedHashMap<>();
        family.parts().forEach((part, name) -> parts.put(RecordNames.name(part), name + onlyIf(family, part)));
        SequencedMap<String, String> defaults = new TreeMap<>();
        family.defaults().forEach((key, meant) -> defaults.put(key, meant.map(Object::toString).orElse("none")));
        return new FamilyDescription(family.modelType(), outside, family.layerPrefix(), parts,
                RecordNames.name(family.norm()), family.traits().stream().sorted().map(RecordNames::name).toList(),
                defaults);
    }

    private static String onlyIf(Family family, Part part) {
        Optional<String> key = family.switches().entrySet().stream().filter(one -> one.getValue().contains(part))
                .map(Map.Entry::getKey).findFirst();
        return key.map(name -> " (only if " + name + ")").orElse("");
    }

    /** The same for people, line by line. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add("model_type " + modelType);
        outside.forEach((what, name) -> lines.add("  " + what + ": " + name));
        lines.add("layers " + layerPrefix + "N, norms of the kind " + norm);
        parts.forEach((what, name) -> lines.add("  " + what + ": " + name));
        traits.forEach(trait -> lines.add("  " + trait));
        lines.add("where config.json leaves a key out");
        defaults.forEach((key, meant) -> lines.add("  " + key + ": " + meant));
        return lines;
    }
}
