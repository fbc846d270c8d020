package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Shown;
import java.util.Optional;

/**
 * Rotary position embedding (RoPE, arXiv 2104.09864): queries and keys are turned by angles that grow with the position.
 * Pair {@code i} of a head consists of its dimensions {@code i} and {@code i + headDim / 2}, or of {@code 2 i} and the next one
 * ({@link Trait#NEIGHBOURS_TURN}).
 *
 * @param headDim how many dimensions of each attention head turn, the first ones, even; mostly all
 * @param theta base of the frequencies
 * @param scaling what is done to the plain frequencies
 * @param growth what queries are multiplied by besides, in families that turn whole heads
 */
public record RotaryEmbedding(int headDim, double theta, RopeScaling scaling, Optional<QueryGrowth> growth) {
    /** Where queries do not grow. */
    public RotaryEmbedding(int headDim, double theta, RopeScaling scaling) {
        this(headDim, theta, scaling, Optional.empty());
    }

    /** How keys are turned, which never grow. */
    RotaryEmbedding ofKeys() {
        return growth.isEmpty() ? this : new RotaryEmbedding(headDim, theta, scaling);
    }

    /**
     * Reads the rotary settings of a config.json. transformers 5 keeps them in {@code rope_parameters}; transformers 4
     * in {@code rope_theta} and, for every type but the default, {@code rope_scaling} (whose {@code rope_type} was once
     * called {@code type}). Both styles may stand side by side as long as they mean the same. In families whose layers
     * that slide turn by other frequencies (Gemma 3), transformers 5 has an entry for each kind of layer in
     * {@code rope_parameters} and ignores what is not in one; transformers 4 has {@code rope_local_base_freq} and
     * scales the other layers alone.
     *
     * @param family knows what is meant where something is left out
     * @param layerType which entry counts where {@code rope_parameters} has one for each kind of layer
     * @throws InvalidInputException when the type is not known, a value is missing or impossible, or two places disagree
     */
    public static RotaryEmbedding of(ConfigTree config, Family family, int headDim, String layerType) {
        if (headDim < 2 || headDim % 2 != 0) {
            throw new InvalidInputException(
                    ("%s: the head dimension (head_dim, or else hidden_size / num_attention_heads) must be even to be turned in "
                            + "pairs, but is %s").formatted(config.file(), headDim));
        }
        boolean byKind = family.knows(RopeReader.LOCAL_THETA);
        boolean local = byKind && layerType.equals(LayerLists.SLIDING);
        String theta = family.key(local ? RopeReader.LOCAL_THETA : RopeReader.THETA);
        Optional<RotaryEmbedding> current = config.optionalObject("rope_parameters")
                .flatMap(settings -> ofLayerType(config, settings, layerType, byKind))
                .map(settings -> new RopeReader(config, family, "rope_parameters", settings, theta, headDim).read());
        Optional<RotaryEmbedding> older = config.optionalObject("rope_scaling").filter(_ -> !local)
                .map(settings -> new RopeReader(config, family, "rope_scaling", settings, theta, headDim).read());
        if (current.isPresent() && older.isPresent() && !current.equals(older)) {
            throw new InvalidInputException(
                    "%s: rope_parameters means %s, but rope_scaling means %s; keep the one that is meant"
                            .formatted(config.file(), Shown.of(current.get().toString()),
                                    Shown.of(older.get().toString())));
        }
        ConfigTree none = ConfigTree.create(config.file(), _ -> {
        });
        return current.or(() -> older)
                .or(() -> family.usualRotation(config)
                        .map(settings -> new RopeReader(config, family, "the configuration", settings, "", headDim)
                                .read()))
                .orElseGet(() -> new RopeReader(config, family, "the configuration", none, theta, headDim).read());
    }

    private static Optional<ConfigTree> ofLayerType(ConfigTree config, ConfigTree settings, String layerType,
            boolean byKind) {
        Optional<ConfigTree> own = settings.optionalObject(layerType);
        if (byKind || own.isPresent()) {
            return own;
        }
        Optional<String> other = LayerLists.KNOWN_TYPES.stream().filter(settings::has).findFirst();
        if (other.isPresent()) {
            throw new InvalidInputException(
                    "%s: rope_parameters has %s but no %s, which the model has layers of; add it"
                            .formatted(config.file(), other.get(), layerType));
        }
        return Optional.of(settings);
    }

    /**
     * The angles, in radians, by which the pairs turn from one position to the next.
     *
     * @param length tokens of the whole sequence, on which dynamic and longrope depend
     * @return inverse frequencies (headDim / 2)
     */
    public float[] inverseFrequencies(int length) {
        return scaling.inverseFrequencies(headDim, theta, length);
    }

    /** Whether the frequencies are others for other lengths. */
    public boolean dependsOnLength() {
        return scaling.dependsOnLength();
    }

    /** Whether sequences of two lengths turn by the same angles at the same positions. */
    boolean turnsAlike(int length, int otherLength) {
        return scaling.lengthsLike(length) == scaling.lengthsLike(otherLength);
    }

    /** The factor that {@link #table} has multiplied into cosines and sines; 1 for most types. */
    public double attentionFactor() {
        return scaling.attentionFactor();
    }

    /** Cosines and sines for the positions {@code from} to {@code to - 1} of a sequence of {@code to} tokens. */
    public Table table(int from, int to) {
        return table(from, to, to);
    }

    /**
     * Cosines and sines for the positions {@code from} (inclusive) to {@code to} (exclusive). Angles are products in float32, as in transformers: at position 10,000 they are off by up to a thousandth,
     * and a more exact angle would be another model.
     *
     * @param length tokens of the sequence
     */
    Table table(int from, int to, int length) {
        float[] frequencies = inverseFrequencies(length);
        float factor = (float) attentionFactor();
        float[] cos = new float[(to - from) * frequencies.length];
        float[] sin = new float[cos.length];
        int next = 0;
        for (int position = from; position < to; position++) {
            int here = position;
            float grown = factor * growth.map(its -> its.factor(here)).orElse(1f);
            for (float frequency : frequencies) {
                float angle = position * frequency;
                cos[next] = (float) Math.cos(angle) * grown;
                sin[next] = (float) Math.sin(angle) * grown;
                next++;
            }
        }
        return new Table(cos, sin);
    }

    /**
     * Cosines and sines of the angles, both (positions, headDim / 2) row by row, in float32.
     *
     * @see #table(int, int)
     */
    @SuppressWarnings("ArrayRecordComponent") // a buffer to be handed to the engine, never compared
    public record Table(float[] cos, float[] sin) {}
}
