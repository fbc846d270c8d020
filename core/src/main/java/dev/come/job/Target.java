package dev.come.job;

import dev.come.UsageException;
import dev.come.model.ModelConfig;
import dev.come.prune.PruningMethod;
import java.util.Locale;
import java.util.OptionalInt;

/** How small a model is to become. What that is in layers depends on the model, and the record of a run tells it. */
public sealed interface Target {
    /**
     * How many layers are to be left of a model.
     *
     * @throws UsageException if the model has not so many, or would stay as it is
     */
    int layers(ModelConfig model);

    /**
     * The same for a method, which may know by itself where it ends.
     *
     * @throws UsageException if the method ends elsewhere, or there is no target and the method knows of none
     */
    default int layers(ModelConfig model, PruningMethod method) {
        OptionalInt own = method.ownTarget(model.layers());
        if (own.isEmpty()) {
            return layers(model);
        }
        int asked = this instanceof OfMethod ? own.getAsInt() : layers(model);
        if (asked != own.getAsInt()) {
            throw new UsageException(method.name() + " leaves " + own.getAsInt() + " layers by its own options, but "
                    + asked + " are asked for; leave out the target, or ask for " + own.getAsInt());
        }
        return own.getAsInt();
    }

    /**
     * {@code --target-layers}.
     *
     * @param count decoder layers that are to be left
     */
    record Layers(int count) implements Target {
        @Override
        public int layers(ModelConfig model) {
            if (count < 1 || count >= model.layers()) {
                throw new UsageException("--target-layers is " + count + ", but the model has " + model.layers()
                        + " layers; choose from 1 to " + (model.layers() - 1));
            }
            return count;
        }
    }

    /**
     * {@code --removal-ratio}: SLEB's sparsity. It is a share of the decoder layers, and so of their parameters. The pruning
     * ratios of ShortGPT and Shortened LLaMA are shares of all parameters, embeddings included, and a little smaller: 9 of
     * the 32 layers of Llama 2 7B are 28.1 % of the layers and 27.0 % of all parameters.
     *
     * @param share of the layers that goes, rounded to the nearest whole number of layers
     */
    record RemovalRatio(double share) implements Target {
        public RemovalRatio {
            if (!(share > 0 && share < 1)) {
                throw new UsageException("--removal-ratio is " + share + ", but must lie above 0 and below 1");
            }
        }

        @Override
        public int layers(ModelConfig model) {
            int left = layersLeft(share, model.layers());
            if (left == model.layers()) {
                throw new UsageException("--removal-ratio " + share + " removes none of the " + left
                        + " layers; one layer is " + String.format(Locale.ROOT, "%.3f", 1.0 / left) + " of them");
            }
            return left;
        }

        /**
         * How many layers are left without a share of them.
         *
         * @throws UsageException if none is
         */
        static int layersLeft(double share, int layers) {
            int left = layers - (int) Math.round(share * layers);
            if (left < 1) {
                throw new UsageException("--removal-ratio " + share + " leaves none of the " + layers + " layers");
            }
            return left;
        }
    }

    /**
     * {@code --target-parameters}: as many layers are left as go into so many parameters.
     *
     * @param count parameters of the whole result at most, tied embeddings counted once
     */
    record Parameters(long count) implements Target {
        @Override
        public int layers(ModelConfig model) {
            long dense = model.parameters(model.layers());
            if (count >= dense) {
                throw new UsageException(String.format(Locale.ROOT,
                        "--target-parameters is %,d, but the model has %,d; ask for fewer", count, dense));
            }
            for (int left = model.layers() - 1; left > 0; left--) {
                if (model.parameters(left) <= count) {
                    return left;
                }
            }
            throw new UsageException(String.format(Locale.ROOT,
                    "--target-parameters is %,d, but the model has %,d with a single layer left; ask for at least that",
                    count, model.parameters(1)));
        }
    }

    /** None is asked for: the method's own options say where it ends. */
    record OfMethod() implements Target {
        @Override
        public int layers(ModelConfig model) {
            throw new UsageException("--target-layers is missing: say how many decoder layers are to be left");
        }
    }
}
