package dev.come.prune;

import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalInt;

/** The layers go that someone names, in that order; for what another tool has found, and for experiments. */
public record Manual(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        List<PruningStep> steps = Removals.steps(stack, options.layers, targetLayers, new LinkedHashMap<>());
        if (!calibration.pattern().keepsTheFirst(steps.getLast().stack())) {
            throw new UsageException("--layers: the first " + calibration.pattern().fixed()
                    + " layers of this model stay where they are, because what images give is added behind each of them;"
                    + " name others");
        }
        if (!calibration.pattern().holds(steps.getLast().stack())) {
            throw new UsageException("--layers: without these layers the others do not repeat their kinds in groups of "
                    + calibration.pattern().period()
                    + "; name whole groups of adjacent layers, or do not keep the pattern");
        }
        return steps;
    }

    /**
     * The options.
     *
     * @param layers {@code --layers}: layers of the dense model, counted from 0
     */
    public record Options(List<Integer> layers) {
        /** Names no layer, so that a model must be told first. */
        public static final Options DEFAULTS = new Options(List.of());

        public Options {
            layers = List.copyOf(layers);
            if (layers.stream().distinct().count() < layers.size()) {
                throw new UsageException("--layers names a layer twice: " + layers);
            }
        }
    }

    @Override
    public String name() {
        return "manual";
    }

    @Override
    public Needs needs() {
        return Needs.WEIGHTS;
    }

    @Override
    public OptionalInt ownTarget(int layers) {
        if (options.layers.isEmpty()) {
            throw new UsageException("--layers is missing: say which layers manual removes, such as 5,9-11");
        }
        options.layers.stream().filter(layer -> layer < 0 || layer >= layers).findFirst().ifPresent(layer -> {
            throw new UsageException("--layers names " + layer + ", but the model has the layers 0 to " + (layers - 1));
        });
        if (options.layers.size() == layers) {
            throw new UsageException("--layers names all " + layers + " layers, but one must be left");
        }
        return OptionalInt.of(layers - options.layers.size());
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        return Cost.once(0, 0);
    }
}
