package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Shown;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Reads one object of rotary settings from config.json and checks it.
 *
 * @param config the whole configuration, which holds what transformers leaves outside the settings
 * @param family knows what is meant where something is left out
 * @param place the key of the settings in the configuration, for messages
 * @param settings the object under that key; an empty one where there is none
 * @param theta the key under which the configuration may have the base of the frequencies outside the settings
 */
record RopeReader(ConfigTree config, Family family, String place, ConfigTree settings, String theta, int headDim) {
    static final String THETA = "rope_theta";
    /** The base in layers that slide, in families where it is another one there. */
    static final String LOCAL_THETA = "rope_local_base_freq";
    /** How much of each head turns. */
    static final String SHARE = "partial_rotary_factor";
    private static final double DEFAULT_BETA_FAST = 32;
    private static final double DEFAULT_BETA_SLOW = 1;

    /** The types that transformers has for Llama; config.json spells them in lower case. */
    private enum Type {
        DEFAULT, LINEAR, DYNAMIC, YARN, LONGROPE, LLAMA3, PROPORTIONAL;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    RotaryEmbedding read() {
        Type type = type();
        return type == Type.PROPORTIONAL || rotaryShare() == 1 ? turning(type) : ofPart(type).turning(type);
    }

    private RotaryEmbedding turning(Type type) {
        Optional<Double> alpha = settings.optionalNumber("alpha").filter(number -> number != 0);
        return type == Type.DYNAMIC && alpha.isPresent() && family.has(Trait.ALPHA_STRETCHES_BASE)
                ? new RotaryEmbedding(headDim, base() * Math.pow(alpha.get(), headDim / (headDim - 2.0)),
                        new RopeScaling.None())
                : new RotaryEmbedding(headDim, base(), scaling(type), growth());
    }

    private Optional<QueryGrowth> growth() {
        return family.has(Trait.QUERIES_GROW)
                ? Optional.of(new QueryGrowth(settings.number(QueryGrowth.KEY),
                        trainedPositions().orElseGet(this::maxPositions)))
                : Optional.empty();
    }

    /** The same where only the first dimensions of a head turn. */
    private RopeReader ofPart(Type type) {
        double share = rotaryShare();
        if (!family.knows(SHARE)) {
            throw wrong(
                    "partial_rotary_factor is %s, but rope type %s must turn whole heads (1)".formatted(share, type));
        }
        int turned = (int) (headDim * share);
        if (turned < 2 || turned % 2 != 0 || turned > headDim) {
            throw wrong(("%s is %s, so %s of a head's %s dimensions (head_dim, or else hidden_size / "
                    + "num_attention_heads) would turn; it must be an even number of them")
                    .formatted(family.key(SHARE), share, turned, headDim));
        }
        return new RopeReader(config, family, place, settings, theta, turned);
    }

    private RopeScaling scaling(Type type) {
        return switch (type) {
            case DEFAULT -> new RopeScaling.None();
            case LINEAR -> new RopeScaling.Linear(factor());
            case DYNAMIC -> dynamic();
            case YARN -> yarn();
            case LONGROPE -> longRope();
            case LLAMA3 -> llama3();
            case PROPORTIONAL -> proportional();
        };
    }

    private Type type() {
        if (family.knows(LOCAL_THETA) && settings.has("type") && !settings.has("rope_type")) {
            throw wrong(
                    "%s has type '%s' but no rope_type, and transformers 5 does not scale such a model of this family; "
                            .formatted(place, Shown.of(settings.string("type"))) + "add the rope_type that is meant");
        }
        Optional<String> name = settings.optionalString("rope_type");
        Optional<String> oldName = settings.optionalString("type");
        if (name.isPresent() && oldName.isPresent() && !name.equals(oldName)) {
            throw wrong("%s has rope_type '%s' and type '%s'; keep the one that is meant"
                    .formatted(place, Shown.of(name.get()), Shown.of(oldName.get())));
        }
        Optional<String> given = name.or(() -> oldName);
        if (given.isEmpty() && settings.has("factor")) {
            throw wrong("%s has a factor but no rope_type; add the one that is meant, of %s"
                    .formatted(place, knownTypes()));
        }
        String wanted = given.filter(type -> !(type.equals("mrope") && family.has(Trait.POSITIONS_IN_SECTIONS)))
                .orElse(Type.DEFAULT.toString());
        return Arrays.stream(Type.values())
                .filter(type -> type.toString().equals(wanted))
                .findFirst()
                .orElseThrow(() -> wrong("%s has rope_type '%s', which is not known; expected one of %s"
                        .formatted(place, Shown.of(wanted), knownTypes())));
    }

    private static String knownTypes() {
        return Arrays.stream(Type.values()).map(Type::toString).collect(Collectors.joining(", "));
    }

    /** transformers 5 writes rope_theta into the settings, transformers 4 beside them. */
    private double base() {
        Optional<Double> inside = settings.optionalNumber(THETA);
        Optional<Double> beside = config.optionalNumber(theta);
        if (inside.isPresent() && beside.isPresent() && !inside.equals(beside)) {
            String other = theta.equals(THETA) ? "" : theta + " ";
            throw wrong("rope_theta is %s in %s and %s%s outside it; keep the one that is meant"
                    .formatted(inside.get(), place, other, beside.get()));
        }
        return above(1, theta, inside.orElseGet(() -> family.required(config, theta)));
    }

    private double rotaryShare() {
        return settings.optionalNumber(SHARE)
                .or(() -> family.knows(SHARE) ? family.number(config, SHARE) : config.optionalNumber(SHARE))
                .orElse(1.0);
    }

    private RopeScaling dynamic() {
        if (headDim == 2) {
            throw wrong("rope type dynamic needs a head dimension above 2, but it is 2");
        }
        return new RopeScaling.Dynamic(factor(), maxPositions());
    }

    private RopeScaling yarn() {
        Optional<Integer> given = trainedPositions();
        int trainedPositions = given.orElseGet(this::maxPositions);
        // Without a factor the lengths say it, provided that both are there: DeepSeek's configurations have "factor": null.
        double factor = given.isPresent() && !settings.has("factor")
                ? (double) maxPositions() / trainedPositions
                : factor();
        Optional<Double> mscale = unlessZero("mscale");
        Optional<Double> mscaleAllDim = unlessZero("mscale_all_dim");
        double betaFast = unlessZero("beta_fast").orElse(DEFAULT_BETA_FAST);
        double betaSlow = unlessZero("beta_slow").orElse(DEFAULT_BETA_SLOW);
        double usual = mscale.isPresent() && mscaleAllDim.isPresent()
                ? RopeScaling.Yarn.usualAttentionFactor(factor, mscale.get())
                        / RopeScaling.Yarn.usualAttentionFactor(factor, mscaleAllDim.get())
                : RopeScaling.Yarn.usualAttentionFactor(factor, 1);
        return new RopeScaling.Yarn(factor, trainedPositions, above(0, "beta_fast", betaFast),
                above(0, "beta_slow", betaSlow), settings.bool("truncate", true),
                attentionFactorOr(usual));
    }

    /** The yarn settings for which transformers takes 0 as "not given". */
    private Optional<Double> unlessZero(String key) {
        return settings.optionalNumber(key).filter(value -> value != 0);
    }

    private RopeScaling longRope() {
        int trainedPositions = trainedPositions().orElseGet(this::maxPositions);
        double factor = settings.has("factor") ? factor() : (double) maxPositions() / trainedPositions;
        return new RopeScaling.LongRope(factors("short_factor"), factors("long_factor"), trainedPositions,
                attentionFactorOr(RopeScaling.LongRope.usualAttentionFactor(factor, trainedPositions)));
    }

    private RopeScaling llama3() {
        double low = above(0, "low_freq_factor", settings.number("low_freq_factor"));
        double high = above(low, "high_freq_factor", settings.number("high_freq_factor"));
        // transformers 5 would take max_position_embeddings, which is not what any such model was trained at.
        int trainedPositions = trainedPositions()
                .orElseThrow(() -> wrong("%s.original_max_position_embeddings is missing; rope type llama3 needs it"
                        .formatted(place)));
        return new RopeScaling.Llama3(factor(), low, high, trainedPositions);
    }

    private RopeScaling proportional() {
        double share = rotaryShare();
        if (share < 0 || share > 1) {
            throw wrong("partial_rotary_factor must be from 0 to 1, but is %s".formatted(share));
        }
        double factor = settings.has("factor") ? factor() : 1;
        return new RopeScaling.Proportional(factor, share);
    }

    private double factor() {
        return above(0, "factor", settings.number("factor"));
    }

    private double attentionFactorOr(double usual) {
        return above(0, "attention_factor", settings.optionalNumber("attention_factor").orElse(usual));
    }

    private int maxPositions() {
        return (int) above(1, "max_position_embeddings", family.integer(config, "max_position_embeddings"));
    }

    /** The length of sequences in training; outside the settings (Phi-3) it counts more than inside, as in transformers. */
    private Optional<Integer> trainedPositions() {
        String key = "original_max_position_embeddings";
        return family.optionalInteger(config, key)
                .or(() -> settings.optionalInteger(key))
                .map(positions -> (int) above(1, key, positions));
    }

    private List<Double> factors(String key) {
        List<Double> factors = settings.optionalNumbers(key)
                .orElseThrow(() -> wrong("%s.%s is missing; rope type longrope needs it".formatted(place, key)));
        if (factors.size() != headDim / 2) {
            throw wrong(("%s.%s must have %s numbers, one for each pair of a head's %s dimensions (head_dim, or else "
                    + "hidden_size / num_attention_heads), but has %s; where a part of a head turns, partial_rotary_factor tells"
                    + " of how many")
                    .formatted(place, key, headDim / 2, headDim, factors.size()));
        }
        factors.forEach(factor -> above(0, key, factor));
        return factors;
    }

    private double above(double bound, String key, double value) {
        if (value <= bound) {
            throw wrong("%s of the rotary settings must be above %s, but is %s".formatted(key, bound, value));
        }
        return value;
    }

    private InvalidInputException wrong(String problem) {
        return new InvalidInputException("%s: %s".formatted(config.file(), problem));
    }
}
