package dev.come.prune;

import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * The deepest layers go first.
 *
 * @param retainLayers {@code --retain-layer}: layers that go last, after layer 0, in this order
 */
public record Reverse(List<Integer> retainLayers) implements PruningMethod {
    public Reverse {
        retainLayers = List.copyOf(retainLayers);
        if (retainLayers.stream().distinct().count() < retainLayers.size()) {
            throw new UsageException("--retain-layer names a layer twice: " + retainLayers);
        }
    }

    @Override
    public String name() {
        return "reverse";
    }

    @Override
    public SequencedMap<String, Object> record() {
        SequencedMap<String, Object> record = new LinkedHashMap<>();
        record.put("retain_layer", retainLayers);
        return record;
    }

    @Override
    public Needs needs() {
        return Needs.WEIGHTS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        retainLayers.stream().filter(layer -> layer < 0 || layer >= layers).findFirst().ifPresent(layer -> {
            throw new UsageException("--retain-layer " + layer + ": the model has the layers 0 to " + (layers - 1));
        });
        return new Cost(1, 0, 0);
    }

    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        List<Integer> order = new ArrayList<>();
        for (int position = stack.size() - 1; position >= 0; position--) {
            if (!retainLayers.contains(position)) {
                order.add(position);
            }
        }
        order.addAll(retainLayers);
        return Removals.steps(stack, order, targetLayers, new LinkedHashMap<>());
    }
}
