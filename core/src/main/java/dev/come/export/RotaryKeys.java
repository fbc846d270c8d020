package dev.come.export;

import dev.come.gguf.GgufOutput;
import dev.come.gguf.GgufType;
import dev.come.model.ModelConfig;
import dev.come.model.RopeScaling;
import dev.come.model.RotaryEmbedding;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How positions turn queries and keys, as keys of a GGUF file and as tensors of factors. */
final class RotaryKeys {
    private static final double BETA_FAST = 32;
    private static final double BETA_SLOW = 1;

    private final Path folder;
    private final ModelConfig config;
    private final Architecture architecture;
    private final GgufOutput output;

    RotaryKeys(Path folder, ModelConfig config, Architecture architecture, GgufOutput output) {
        this.folder = folder;
        this.config = config;
        this.architecture = architecture;
        this.output = output;
    }

    /** The tensors of factors that the rotation of a model needs, each number by which a pair of channels turns slower. */
    static Map<String, float[]> factors(ModelConfig config) {
        Map<String, float[]> factors = new LinkedHashMap<>();
        config.attentionKinds().stream().flatMap(kind -> kind.rotary().stream()).findFirst().ifPresent(rotary -> {
            if (rotary.scaling() instanceof RopeScaling.Llama3 llama3) {
                factors.put("rope_freqs.weight", slower(llama3, rotary));
            } else if (rotary.scaling() instanceof RopeScaling.LongRope longRope) {
                factors.put("rope_factors_long.weight", floats(longRope.longFactors()));
                factors.put("rope_factors_short.weight", floats(longRope.shortFactors()));
            }
        });
        return factors;
    }

    /** By how much each pair turns slower than without scaling, in float32 as llama.cpp's converter computes it. */
    private static float[] slower(RopeScaling.Llama3 scaling, RotaryEmbedding rotary) {
        float[] factors = new RopeScaling.None().inverseFrequencies(rotary.headDim(), rotary.theta(), 1);
        for (int i = 0; i < factors.length; i++) {
            // PyTorch divides a number by a tensor by its reciprocal.
            float wavelength = 1 / factors[i] * (float) (2 * Math.PI);
            float turns = 1 / wavelength * scaling.trainedPositions();
            float kept = (turns - (float) scaling.lowFrequencyFactor())
                    / (float) (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
            factors[i] = turns > scaling.highFrequencyFactor()
                    ? 1
                    : turns < scaling.lowFrequencyFactor()
                            ? (float) scaling.factor()
                            : 1 / ((1 - kept) / (float) scaling.factor() + kept);
        }
        return factors;
    }

    private static float[] floats(List<Double> numbers) {
        float[] floats = new float[numbers.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = numbers.get(i).floatValue();
        }
        return floats;
    }

    void add(RotaryEmbedding rotary) {
        output.number(key("rope.freq_base"), rotary.theta());
        if (architecture == Architecture.PHI3) {
            output.count(key("rope.scaling.original_context_length"),
                    rotary.scaling() instanceof RopeScaling.LongRope scaling
                            ? scaling.trainedPositions()
                            : config.maxPositions());
        }
        switch (rotary.scaling()) {
            case RopeScaling.None _ -> {
            }
            case RopeScaling.Linear linear -> scaling("linear", linear.factor());
            case RopeScaling.Yarn yarn -> yarn(yarn);
            case RopeScaling.Llama3 _ -> {
                if (!architecture.interleaved()) {
                    throw unknown("llama3");
                }
            }
            case RopeScaling.LongRope _ -> {
                if (architecture != Architecture.PHI3) {
                    throw unknown("longrope");
                }
                output.number(key("rope.scaling.attn_factor"), rotary.attentionFactor());
            }
            case RopeScaling.Dynamic _ -> throw unknown("dynamic");
            case RopeScaling.Proportional _ -> throw unknown("proportional");
        }
        factors(config).forEach((name, numbers) -> output
                .tensor(new GgufOutput.Entry(name, GgufType.F32, List.of((long) numbers.length))));
    }

    private void yarn(RopeScaling.Yarn yarn) {
        if (!yarn.truncate()) {
            throw ModelKeys.refused(folder, architecture, "scales positions by yarn without rounding (truncate false)");
        }
        scaling("yarn", yarn.factor());
        output.count(key("rope.scaling.original_context_length"), yarn.trainedPositions());
        if (yarn.betaFast() != BETA_FAST || yarn.betaSlow() != BETA_SLOW) {
            output.number(key("rope.scaling.yarn_beta_fast"), yarn.betaFast());
            output.number(key("rope.scaling.yarn_beta_slow"), yarn.betaSlow());
        }
        // llama.cpp multiplies its factor with the one that the paper has for such a scaling.
        double usual = yarn.factor() <= 1 ? 1 : 0.1 * Math.log(yarn.factor()) + 1;
        if ((float) (yarn.attentionFactor() / usual) != 1) {
            output.number(key("rope.scaling.yarn_attn_factor"), yarn.attentionFactor() / usual);
        }
    }

    private void scaling(String type, double factor) {
        output.text(key("rope.scaling.type"), type);
        output.number(key("rope.scaling.factor"), factor);
    }

    private RuntimeException unknown(String type) {
        return ModelKeys.refused(folder, architecture,
                "scales positions by the type '%s', for which there is no key".formatted(type));
    }

    private String key(String name) {
        return architecture.id() + "." + name;
    }
}
