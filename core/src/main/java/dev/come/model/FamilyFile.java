package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.RecordNames;
import dev.come.checkpoint.Shown;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A family that a user describes in a JSON file: by a known family, and what is different. docs/models-and-data.md has the format.
 * The file lies in the model's folder, so every command and every process finds it, and it goes into models that are made.
 */
public final class FamilyFile {
    /** The name of the file in a model's folder. */
    public static final String NAME = CheckpointHeaders.FAMILY;

    private static final Set<String> FIELDS = Set.of("model_type", "like", "architecture", "models", "names", "parts",
            "only_if", "keys", "defaults", "norm", "sliding_layers", "traits");
    private static final Set<String> NAMES = Set.of("embedding", "final_norm", "head", "layers");
    private static final Pattern TENSOR = Pattern.compile("[A-Za-z0-9_]+(?:\\.[A-Za-z0-9_]+)*");
    private static final List<Part> NEEDED = List.of(Part.QUERY, Part.KEY, Part.VALUE, Part.OUTPUT, Part.UP, Part.DOWN);
    /** Parts that may lie in one tensor. */
    private static final List<Set<Part>> TOGETHER = List.of(Set.of(Part.QUERY, Part.KEY, Part.VALUE),
            Set.of(Part.QUERY_BIAS, Part.KEY_BIAS, Part.VALUE_BIAS), Set.of(Part.GATE, Part.UP),
            Set.of(Part.GATE_BIAS, Part.UP_BIAS));
    /** Keys that hold whole numbers, also where a family has none by default. */
    private static final Set<String> WHOLE = Set.of("num_key_value_heads", "head_dim", "sliding_window",
            "original_max_position_embeddings", "embedding_size", Family.END_OF_TEXT, "intermediate_size");

    /** Every key that some family depends on, with what it means by default where it means anything. */
    private static final Map<String, Optional<Object>> KEYS = Families.ALL.stream()
            .flatMap(family -> family.defaults().entrySet().stream())
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (one, other) -> one.or(() -> other)));

    private final ConfigTree file;
    private final Family like;

    private FamilyFile(Path path) {
        this.file = ConfigTree.read(path);
        refuseOthers("", file, FIELDS);
        String known = file.string("like");
        this.like = Families.ALL.stream().filter(family -> family.modelType().equals(known)).findFirst()
                .orElseThrow(() -> wrong("like is \"" + Shown.of(known)
                        + "\", but must be a family that 'come list families' names"));
    }

    /**
     * Reads a description and checks it.
     *
     * @throws InvalidInputException if it describes no family
     */
    public static Family read(Path path) {
        return new FamilyFile(path).family();
    }

    /** The family that is described beside a config.json, if it is of that type. */
    static Optional<Family> beside(Path config, String modelType) {
        Path path = config.resolveSibling(NAME);
        return config.getParent() != null && Files.exists(path)
                ? Optional.of(read(path)).filter(family -> family.modelType().equals(modelType))
                : Optional.empty();
    }

    private Family family() {
        String type = file.string("model_type");
        if (Families.ALL.stream().anyMatch(family -> family.modelType().equals(type))) {
            throw wrong(
                    "model_type is \"" + Shown.of(type) + "\", which is a known family, and cannot be described anew");
        }
        Map<Part, String> parts = parts();
        Map<String, String> keys = new HashMap<>(like.keys());
        Map<String, Optional<Object>> defaults = new HashMap<>(like.defaults());
        renameKeys(keys, defaults);
        Map<String, Set<Part>> switches = file.optionalObject("only_if").map(told -> switches(told, parts))
                .orElse(like.switches());
        putDefaults(keys, defaults, switches.keySet());
        switches.keySet().stream().filter(key -> !(defaults.getOrDefault(key, Optional.empty())
                .orElse("") instanceof Boolean)).findFirst().ifPresent(key -> {
                    throw wrong("only_if names the key " + Shown.of(key)
                            + "; say in defaults whether it is true or false where config.json leaves it out");
                });
        Norm.Kind norm = choice("norm", Norm.Kind.values()).orElse(like.norm());
        requireFitting(parts, norm);
        return new Family(type, file.optionalString("architecture").orElse(like.architecture()),
                file.optionalString("models").orElse(type), names(), layerPrefix(), parts, switches, norm, keys,
                defaults, choice("sliding_layers", Family.SlidingLayers.values()).orElse(like.slidingLayers()),
                traits(), like.refused(), like.ignored(), like.olderScaling(), List.of());
    }

    private Family.Names names() {
        Family.Names usual = like.names();
        Optional<ConfigTree> told = file.optionalObject("names");
        told.ifPresent(names -> refuseOthers("names.", names, NAMES));
        Function<String, Optional<String>> name = key -> told.flatMap(names -> names.optionalString(key))
                .map(one -> tensor("names." + key, one));
        return new Family.Names(name.apply("embedding").orElse(usual.embedding()), usual.positions(),
                usual.projectIn(), name.apply("final_norm").orElse(usual.finalNorm()), usual.projectOut(),
                name.apply("head").orElse(usual.head()), usual.headBias());
    }

    private String layerPrefix() {
        return file.optionalObject("names").flatMap(names -> names.optionalString("layers"))
                .map(name -> tensor("names.layers", name) + ".").orElse(like.layerPrefix());
    }

    private Map<Part, String> parts() {
        Map<Part, String> parts = new EnumMap<>(like.parts());
        file.optionalObject("parts").ifPresent(told -> told.keys().forEach(key -> {
            Part part = named("parts", key, Part.values());
            if (told.has(key)) {
                parts.put(part, tensor("parts." + key, told.string(key)));
            } else {
                parts.remove(part);
            }
        }));
        return parts;
    }

    private Map<String, Set<Part>> switches(ConfigTree told, Map<Part, String> parts) {
        Map<String, Set<Part>> switches = new HashMap<>();
        for (String key : told.keys()) {
            Set<Part> switched = told.optionalStrings(key).orElse(List.of()).stream()
                    .map(name -> named("only_if." + key, name, Part.values())).collect(Collectors.toSet());
            switched.stream().filter(part -> !parts.containsKey(part)).findFirst().ifPresent(part -> {
                throw wrong("only_if." + Shown.of(key) + " names " + RecordNames.name(part)
                        + ", which has no name in parts");
            });
            switches.put(key, switched);
        }
        return switches;
    }

    /** What is meant where a key is left out goes with it. */
    private void renameKeys(Map<String, String> keys, Map<String, Optional<Object>> defaults) {
        file.optionalObject("keys").ifPresent(told -> told.keys().forEach(usual -> {
            if (!like.knows(usual)) {
                throw wrong(
                        "keys names \"" + Shown.of(usual) + "\", which " + like.modelType() + " does not depend on");
            }
            Optional<Object> meant = defaults.remove(like.key(usual));
            keys.put(usual, told.string(usual));
            defaults.put(told.string(usual), meant == null ? Optional.empty() : meant);
        }));
    }

    private void putDefaults(Map<String, String> keys, Map<String, Optional<Object>> defaults, Set<String> switches) {
        Map<String, String> usualNames = keys.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getValue, Map.Entry::getKey, (one, _) -> one));
        file.optionalObject("defaults").ifPresent(told -> told.keys().forEach(key -> {
            if (!defaults.containsKey(key) && !switches.contains(key) && !KEYS.containsKey(key)) {
                throw wrong("defaults names \"" + Shown.of(key) + "\", which no model here depends on");
            }
            Optional<Object> value = told.plainValue(key);
            String usual = usualNames.getOrDefault(key, key);
            Optional<Object> before = defaults.getOrDefault(key, Optional.empty())
                    .or(() -> KEYS.getOrDefault(key, Optional.empty()));
            defaults.put(key, value.map(one -> asBefore(key, one, WHOLE.contains(usual) ? Optional.of(0) : before)));
        }));
    }

    private Object asBefore(String key, Object value, Optional<Object> before) {
        if (before.isEmpty() || before.get().getClass() == value.getClass()) {
            return value;
        }
        if (before.get() instanceof Double && value instanceof Integer number) {
            return number.doubleValue();
        }
        throw wrong("defaults." + Shown.of(key) + " is " + Shown.of(value.toString()) + ", but must be "
                + switch (before.get()) {
                    case Integer _ -> "a whole number";
                    case Double _ -> "a number";
                    case Boolean _ -> "true or false";
                    default -> "a text";
                });
    }

    private Set<Trait> traits() {
        return file.optionalStrings("traits").map(names -> names.stream()
                .map(name -> named("traits", name, Trait.values())).collect(Collectors.toSet()))
                .orElse(like.traits());
    }

    private void requireFitting(Map<Part, String> parts, Norm.Kind norm) {
        Stream<Part> needed = NEEDED.stream().filter(part -> !parts.containsKey(part));
        needed.findFirst().ifPresent(part -> {
            throw wrong("parts has no " + RecordNames.name(part) + ", which every layer needs");
        });
        parts.keySet().stream().filter(Part::isBias).filter(bias -> !parts.containsKey(Part.valueOf(
                bias.name().replaceFirst("_BIAS$", "")))).findFirst().ifPresent(bias -> {
                    throw wrong("parts has " + RecordNames.name(bias) + " without what it belongs to");
                });
        boolean biasedNorm = parts.keySet().stream().anyMatch(part -> part.isBias() && part.isOfNorm());
        if (biasedNorm && norm != Norm.Kind.LAYER) {
            throw wrong("norms with biases are of the kind layer, but norm is " + RecordNames.name(norm));
        }
        Map<String, Set<Part>> byName = new HashMap<>();
        parts.forEach((part, name) -> byName.computeIfAbsent(name, _ -> new HashSet<>()).add(part));
        byName.forEach((name, together) -> {
            if (together.size() > 1 && TOGETHER.stream().noneMatch(some -> some.containsAll(together))) {
                throw wrong("parts gives " + together.stream().sorted().map(RecordNames::name)
                        .collect(Collectors.joining(" and ")) + " one name, " + name
                        + ", but only queries, keys and values, or gate and up, may lie in one tensor");
            }
        });
    }

    private <E extends Enum<E>> Optional<E> choice(String key, E[] values) {
        return file.optionalString(key).map(name -> named(key, name, values));
    }

    private <E extends Enum<E>> E named(String field, String name, E[] values) {
        return Arrays.stream(values).filter(value -> RecordNames.name(value).equals(name)).findFirst()
                .orElseThrow(() -> wrong(field + " has \"" + Shown.of(name) + "\", but known are "
                        + Arrays.stream(values).map(RecordNames::name).collect(Collectors.joining(", "))));
    }

    private String tensor(String field, String name) {
        if (!TENSOR.matcher(name).matches()) {
            throw wrong(field + " is \"" + Shown.of(name) + "\", but names of tensors are words joined by dots");
        }
        return name;
    }

    private void refuseOthers(String where, ConfigTree object, Set<String> known) {
        object.keys().stream().filter(key -> !known.contains(key)).findFirst().ifPresent(key -> {
            throw wrong("there is a field " + where + Shown.of(key) + ", but known are "
                    + String.join(", ", known.stream().sorted().toList()));
        });
    }

    private InvalidInputException wrong(String what) {
        return new InvalidInputException(file.file() + ": " + what);
    }
}
