package dev.come.prune;

import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/** The deepest layers go first. */
public record Reverse(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        List<Integer> order = new ArrayList<>();
        for (int position = stack.size() - 1; position >= 0; position--) {
            if (!options.retainLayer.contains(position)) {
                order.add(position);
            }
        }
        order.addAll(options.retainLayer);
        return Removals.steps(stack, order, targetLayers, new LinkedHashMap<>(), calibration.pattern());
    }

    /**
     * The options.
     *
     * @param retainLayer {@code --retain-layer}: layers that go last, after layer 0, in this order
     */
    public record Options(List<Integer> retainLayer) {
        /** No layer is retained. */
        public static final Options DEFAULTS = new Options(List.of());

        public Options {
            retainLayer = List.copyOf(retainLayer);
            if (retainLayer.stream().distinct().count() < retainLayer.size()) {
                throw new UsageException("--retain-layer names a layer twice: " + retainLayer);
            }
        }
    }

    @Override
    public String name() {
        return "reverse";
    }

    @Override
    public Needs needs() {
        return Needs.WEIGHTS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        options.retainLayer.stream().filter(layer -> layer < 0 || layer >= layers).findFirst().ifPresent(layer -> {
            throw new UsageException("--retain-layer " + layer + ": the model has the layers 0 to " + (layers - 1));
        });
        return Cost.once(0, 0);
    }
}
