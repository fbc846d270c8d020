package dev.come.job;

import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.prune.PruningMethod.Cost;
import dev.come.text.Sequences;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * How long a run takes on a machine that has nothing else to do. The bounds come from the quickest and the slowest run of a
 * layer of the model here and now, and from how much work a search may be spared.
 */
record ExpectedTime(Duration least, Duration most) {
    /** Java, the tensor engine, the tokenizer and its trial, seconds. */
    private static final double START = 1.5;
    private static final double START_AT_MOST = 4;

    /** What is between layers, and a machine that grows warm. */
    private static final double FASTER = 0.85;
    private static final double SLOWER = 1.25;

    /** The dense model runs on while a fit is solved. */
    private static final double OVERLAPPED = 0.4;

    /**
     * What healing does.
     *
     * @param runs how often it runs one layer over all tokens
     * @param solving operations of one thread besides
     */
    record Healed(double runs, Sequences tokens, double solving) {}

    /**
     * The time of a run.
     *
     * @param searched the tokens that layers are chosen on
     * @param transfer seconds of reading and writing
     */
    static ExpectedTime of(OpenModel model, Compute compute, Cost cost, Sequences searched,
            Healed healed, List<Sequences> perplexity, int target, double transfer) {
        ModelConfig config = model.config();
        Cost spared = cost.atLeast();
        double besides = healed.runs * ofLayer(config, healed.tokens) + operations(config, perplexity, target);
        double least = operations(config, spared, searched) + besides;
        double most = operations(config, cost, searched) + besides;
        if (most == 0) {
            return new ExpectedTime(seconds(START + transfer), seconds(START_AT_MOST + SLOWER * transfer));
        }
        Sequences text = Stream.concat(Stream.of(searched, healed.tokens), perplexity.stream())
                .filter(one -> one.tokenCount() > 0).findFirst().orElseThrow();
        LayerSpeed speed = LayerSpeed.measure(model, compute, text);
        double solving = healed.solving * compute.threads(); // while one thread solves, the others do little
        return of(speed, least, most, solving, transfer);
    }

    private static ExpectedTime of(LayerSpeed speed, double least, double most, double solving, double transfer) {
        return new ExpectedTime(
                seconds(START + FASTER * (least + OVERLAPPED * solving) / speed.quickest() + transfer),
                seconds(START_AT_MOST + SLOWER * ((most + solving) / speed.slowest() + transfer)));
    }

    /**
     * The time of the two stages of a recovery.
     *
     * @param training what training runs, in runs of a layer and of the output projection over one token each
     * @param transfer seconds of reading and writing of each stage
     */
    static Stages of(OpenModel model, Compute compute, Healed healed, Training training, double transfer) {
        ModelConfig config = model.config();
        LayerSpeed speed = LayerSpeed.measure(model, compute, healed.tokens);
        double healing = healed.runs * ofLayer(config, healed.tokens);
        double steps = training.layerRuns * ofLayer(config, training.window) / training.window.tokenCount()
                + training.headRuns * ofHead(config, training.window) / training.window.tokenCount();
        return new Stages(of(speed, healing, healing, healed.solving * compute.threads(), transfer),
                of(speed, steps, steps, 0, transfer));
    }

    /** @param window one window of what is trained on */
    record Training(double layerRuns, double headRuns, Sequences window) {}

    /** Healing, then training. */
    record Stages(ExpectedTime healing, ExpectedTime training) {}

    private static Duration seconds(double count) {
        return Duration.ofMillis(Math.round(1000 * count));
    }

    private static double operations(ModelConfig config, Cost cost, Sequences text) {
        return cost.layerRuns() * ofLayer(config, text) + cost.headRuns() * ofHead(config, text);
    }

    /** What is equal to the dense model before the first change is run once. */
    private static double operations(ModelConfig config, List<Sequences> perplexity, int target) {
        return perplexity.stream().mapToDouble(
                text -> (config.layers() + target * 0.7) * ofLayer(config, text) + 2 * ofHead(config, text)).sum();
    }

    private static double ofHead(ModelConfig config, Sequences text) {
        return 2.0 * config.hiddenSize() * config.vocabularySize() * text.tokenCount();
    }

    /** Floating-point operations of one layer: two for each weight and token, and attention over the tokens before. */
    static double ofLayer(ModelConfig config, Sequences text) {
        double operations = 2.0 * config.layerParameters() * text.tokenCount();
        for (int i = 0; i < text.count(); i++) {
            operations += 2.0 * text.length(i) * text.length(i) * config.heads() * config.headDim();
        }
        return operations;
    }
}
