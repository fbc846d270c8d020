package dev.come.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What config.json says of a quantised model.
 *
 * @param file the config.json
 * @param key where it says so
 * @param method {@code quant_method}, such as {@code gptq}; empty where that is left out
 */
public record Quantisation(Path file, String key, Optional<String> method) {
    /** The second is the name that compressed-tensors had first. */
    private static final List<String> KEYS = List.of("quantization_config", "compression_config");

    /** What a configuration says, if it speaks of a quantisation. */
    public static Optional<Quantisation> of(ConfigTree config) {
        return KEYS.stream().filter(config::has).findFirst()
                .map(key -> new Quantisation(config.file(), key, method(config, key)));
    }

    private static Optional<String> method(ConfigTree config, String key) {
        return config.optionalObject(key).flatMap(settings -> settings.optionalString("quant_method"));
    }

    /** A copy of a configuration that speaks of none. */
    public static ConfigTree removedFrom(ConfigTree config) {
        return config.edited(root -> root.remove(KEYS));
    }

    /** The method, or the key where no method is named. */
    public String name() {
        return method.orElse(key);
    }

    /** For messages: {@code gptq (quantization_config in config.json)}. */
    @Override
    public String toString() {
        return "%s%s in %s".formatted(method.map(name -> "quant_method " + name + " of ").orElse(""), key, file);
    }
}
