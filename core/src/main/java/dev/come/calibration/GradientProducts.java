package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.calibration.Calibration.Salience;
import dev.come.calibration.LargeQuestion.Gradients;
import dev.come.calibration.LargeQuestion.Total;
import dev.come.calibration.Question.Range;
import dev.come.memory.NativeMemory;
import dev.come.model.Compute;
import dev.come.run.LayerRunner;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The sums of |weight x gradient| over all shards, layer by layer from the last one. */
final class GradientProducts {
    private final Shards shards;
    private final LayerStore store;
    private final TokenChunks chunks;
    private final Compute compute;
    private final Progress progress;
    private final Map<Asked, List<Salience>> known = new HashMap<>();

    /** What was asked for. */
    private record Asked(LayerStack stack, GradientOrder order) {}

    /** @param compute where weights and gradients are multiplied here */
    GradientProducts(Shards shards, LayerStore store, TokenChunks chunks, Compute compute, Progress progress) {
        this.shards = shards;
        this.store = store;
        this.chunks = chunks;
        this.compute = compute;
        this.progress = progress;
    }

    /**
     * Those of a stack.
     *
     * @param kept whether they are worth remembering
     */
    List<Salience> of(LayerStack stack, GradientOrder order, boolean kept) {
        Asked asked = new Asked(stack, order);
        List<Salience> products = known.get(asked);
        if (products == null) {
            products = measured(stack, order);
            if (kept) {
                known.put(asked, products);
            }
        }
        return products;
    }

    private List<Salience> measured(LayerStack stack, GradientOrder order) {
        Range all = new Range(0, chunks.size());
        List<Salience> saliences = new ArrayList<>();
        try (Progress.Task task = progress.begin("gradients of " + stack.size() + " layers",
                BackwardPass.runs(stack.size(), chunks.size(), LayerRunner.headRuns(store.config())), "layers",
                stack.size())) {
            for (int position = stack.size() - 1; position >= 0; position--) {
                Total<Gradients.Products, GradientSums> total = shards.sum(new Gradients(stack, position, order), all,
                        task);
                try (GradientSums sums = total.sums(); var _ = new PointerScope()) {
                    saliences.add(sums.salience(store.materialise(stack.get(position))
                            .map((_, tensor) -> tensor.to(compute.torchDevice(), ScalarType.Float)), total.said()));
                }
                NativeMemory.giveBackFreed(); // a graph is made of fresh tensors
            }
        }
        Collections.reverse(saliences);
        return order == GradientOrder.NEVER_ZEROED
                ? saliences.stream().map(Salience::asTheAuthorsFindIt).toList()
                : saliences;
    }
}
