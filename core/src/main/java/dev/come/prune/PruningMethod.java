package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Reading;
import dev.come.checkpoint.RecordJson;
import dev.come.stack.LayerStack;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntToDoubleFunction;

/**
 * A way to make a stack smaller: a function from a stack and measurements on it to the next stacks. It touches no tensors,
 * no files and no threads. {@link Methods} lists all of them.
 */
public interface PruningMethod {
    /**
     * Takes the next steps towards the target: one, where everything is measured again after each; all of them, where one
     * measurement decides about all.
     *
     * @param stack what is left so far
     * @param targetLayers how many layers are to be left in the end; fewer than the stack has
     * @return at least one step; each leaves fewer layers than before and at least {@code targetLayers}
     * @throws NothingToDoException if the options leave nothing that could be merged or removed
     */
    List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration);

    /** The name under which users ask for it. */
    String name();

    /** The options; the record of a run holds each component under the name that {@link RecordJson} gives it. */
    Record options();

    /** How its measurements are read; the same for a method that compares no hidden states, whatever it repeats. */
    default Reading reading() {
        return Reading.DEFINITION;
    }

    /** What it measures. */
    Needs needs();

    /** Whether it asks for what only a machine that has all hidden states tells. */
    default boolean needsOneMachine() {
        return false;
    }

    /** How many layers it has run side by side, as one; 1 for a method that runs single ones. */
    default int sideBySide() {
        return 1;
    }

    /**
     * How many layers are left at the end of a method that knows this by itself.
     *
     * @param layers of the dense model
     * @return empty if a target must be given, as for most
     * @throws UsageException if the options do not go with so many layers
     */
    default OptionalInt ownTarget(int layers) {
        return OptionalInt.empty();
    }

    /**
     * The work from a stack to the target.
     *
     * @throws NothingToDoException if it is certain beforehand that the options do not let it get there
     * @throws UsageException if the options do not go with so many layers
     */
    Cost cost(int layers, int targetLayers);

    /** What a method measures. */
    enum Needs {
        /** The weights alone. */
        WEIGHTS,
        /** What layers do on tokens. */
        TOKENS,
        /** The same, and how far layers can be fitted to the dense model, of whose tokens some are held out. */
        FITS,
        /** Gradients on tokens, which want float32. */
        GRADIENTS
    }

    /**
     * The work of a run on the whole calibration set, at the most.
     *
     * @param rounds how often {@link #next} is asked
     * @param layerRuns how often one layer is run over all tokens
     * @param headRuns how often the output projection is
     * @param candidateRuns how many of the runs of a layer are those of candidates, which may be given up early
     */
    record Cost(int rounds, double layerRuns, double headRuns, double candidateRuns) {
        /** The share of a candidate's work that is done even where a bound soon shows that it is worse than others. */
        private static final double NOT_SPARED = 0.4;

        /**
         * One measurement decides about all steps.
         *
         * @param layerRuns how often one layer is run over all tokens
         */
        static Cost once(double layerRuns, double headRuns) {
            return new Cost(1, layerRuns, headRuns, 0);
        }

        /**
         * The cost of a method that takes one layer away at each step and measures the losses of candidates. At each
         * step half of the stack is run again from the last edit on, and half of it for each candidate.
         *
         * @param candidates how many there are, by the layers that are left
         */
        static Cost ofSearches(int layers, int targetLayers, IntToDoubleFunction candidates) {
            double runs = layers;
            double losses = 0;
            double ofCandidates = 0;
            for (int left = layers; left > targetLayers; left--) {
                double count = candidates.applyAsDouble(left);
                runs += left / 2.0;
                ofCandidates += count * left / 2.0;
                losses += count;
            }
            return new Cost(layers - targetLayers, runs + ofCandidates, losses, ofCandidates);
        }

        /** The same with more runs of layers. */
        public Cost withMoreRuns(double more) {
            return new Cost(rounds, layerRuns + more, headRuns, candidateRuns);
        }

        /** The work where bounds spare as much as they can. */
        public Cost atLeast() {
            double spared = 1 - NOT_SPARED;
            return new Cost(rounds, layerRuns - candidateRuns * spared,
                    candidateRuns > 0 ? headRuns * NOT_SPARED : headRuns, candidateRuns * NOT_SPARED);
        }
    }
}
