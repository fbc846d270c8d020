package dev.come.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What config.json says of a quantised model.
 *
 * @param file the config.json
 * @param key where it says so
 * @param method {@code quant_method}, such as {@code gptq}; empty where that is left out
 * @param settings all that stands under the key
 * @param original the name on the hub that the model probably had before, where config.json tells it
 */
public record Quantisation(Path file, String key, Optional<String> method, ConfigTree settings,
        Optional<String> original) {
    /** The second is the name that compressed-tensors had first. */
    private static final List<String> KEYS = List.of("quantization_config", "compression_config");
    private static final Pattern HUB_NAME = Pattern.compile("[A-Za-z0-9][\\w.-]*/[\\w.-]+");
    /** What names of quantised models end with, and those of the models before do not. */
    private static final Pattern ADDED = Pattern.compile(
            "(?i)(?:[-_.](?:gptq|awq|bnb|bitsandbytes|mxfp4|nvfp4|fp8|fp4|w4a16|w8a8|int[48]|[48]bits?|g128|quantized))+$");

    /** What a configuration says, if it speaks of a quantisation. */
    public static Optional<Quantisation> of(ConfigTree config) {
        return KEYS.stream().filter(config::has).findFirst().map(key -> {
            ConfigTree settings = config.optionalObject(key).orElseThrow();
            return new Quantisation(config.file(), key, settings.optionalString("quant_method"), settings,
                    original(config, settings));
        });
    }

    private static Optional<String> original(ConfigTree config, ConfigTree settings) {
        return Stream.of(name(settings, "model_name_or_path"), name(config, "_name_or_path"))
                .flatMap(Optional::stream).filter(name -> HUB_NAME.matcher(name).matches())
                .map(name -> ADDED.matcher(name).replaceFirst("")).findFirst();
    }

    private static Optional<String> name(ConfigTree config, String key) {
        return config.isText(key) ? config.optionalString(key) : Optional.empty();
    }

    /** A copy of a configuration that speaks of none. */
    public static ConfigTree removedFrom(ConfigTree config) {
        return config.edited(root -> root.remove(KEYS));
    }

    /** The method, or the key where no method is named. */
    public String name() {
        return method.orElse(key);
    }

    /** The groups of layers that compressed-tensors tells apart. */
    List<ConfigTree> groups() {
        Optional<ConfigTree> groups = settings.optionalObject("config_groups");
        return groups.stream().flatMap(all -> all.keys().stream())
                .flatMap(key -> groups.orElseThrow().optionalObject(key).stream()).toList();
    }

    /** What a user can do who has only these weights. */
    public String advice() {
        return "give the model as it was before"
                + original.map(name -> ", which is probably " + Shown.of(name)).orElse("")
                + ", or dequantise it first";
    }

    /** For messages: {@code quant_method gptq, 4 bits, of quantization_config in config.json}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        method.ifPresent(name -> text.append("quant_method ").append(Shown.of(name)).append(", "));
        name(settings, "format").ifPresent(name -> text.append("format ").append(Shown.of(name)).append(", "));
        Stream.of("bits").filter(name -> settings.has(name) && !settings.isText(name))
                .flatMap(name -> settings.optionalInteger(name).stream())
                .forEach(bits -> text.append(bits).append(" bits, "));
        return text.append(text.isEmpty() ? "" : "of ").append(key).append(" in ").append(file).toString();
    }
}
