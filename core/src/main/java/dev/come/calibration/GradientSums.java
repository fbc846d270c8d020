package dev.come.calibration;

import dev.come.calibration.Calibration.GradientOrder;
import dev.come.calibration.Calibration.Salience;
import dev.come.calibration.LargeQuestion.Gradients.Products;
import dev.come.memory.Retained;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The gradients of the loss for the weights of a layer, summed over tokens in float32; or what comes of them token by token, where the
 * order of sum and absolute value asks for that.
 */
final class GradientSums implements LargeSums {
    /** Elements of a piece. */
    private static final long ELEMENTS = 1 << 22;

    private final Map<Part, Retained<Tensor>> sums = new EnumMap<>(Part.class);
    private final Products products;

    private GradientSums(Products products) {
        this.products = products;
    }

    /** Sums of gradients; tensors of their own. */
    static GradientSums of(Map<Part, Tensor> gradients) {
        GradientSums sums = new GradientSums(new Products(List.of()));
        gradients.forEach((part, gradient) -> sums.sums.put(part, Retained.of(gradient)));
        return sums;
    }

    /** Sums of |weight x gradient|: by chunk, or of all chunks. */
    static GradientSums of(List<Map<Part, double[]>> chunks) {
        return new GradientSums(new Products(chunks.stream().map(parts -> parts.values().stream()
                .flatMapToDouble(Arrays::stream).toArray()).toList()));
    }

    /** Those of no tokens. */
    static GradientSums nothing(LayerStore store, LayerNode node, GradientOrder order) {
        try (var _ = new PointerScope()) {
            Map<Part, Tensor> zeros = new EnumMap<>(Part.class);
            if (order == GradientOrder.SUM_FIRST) {
                store.materialise(node).asMap().forEach((part, weight) -> zeros.put(part,
                        torch.zeros_like(weight.to(ScalarType.Float))));
            }
            return of(zeros);
        }
    }

    Products products() {
        return products;
    }

    /**
     * What the weights matter by these.
     *
     * @param weights of the layer, float32
     * @param said the products of all shards
     */
    Salience salience(LayerWeights weights, List<Products> said) {
        if (!sums.isEmpty()) {
            Map<Part, Tensor> gradients = new EnumMap<>(Part.class);
            sums.forEach((part, sum) -> gradients.put(part, sum.borrow()));
            return new Salience(Saliences.products(weights, gradients));
        }
        double[] all = {};
        for (double[] chunk : said.stream().flatMap(shard -> shard.chunks().stream()).toList()) {
            all = ChannelSums.sums(all, chunk);
        }
        Map<Part, double[]> byPart = new EnumMap<>(Part.class);
        int start = 0;
        for (Part part : Saliences.parts(weights)) {
            int rows = Math.toIntExact(weights.get(part).size(0));
            byPart.put(part, Arrays.copyOfRange(all, start, start + rows));
            start += rows;
        }
        return new Salience(byPart);
    }

    @Override
    public List<Tensor> blocks() {
        List<Tensor> blocks = new ArrayList<>();
        sums.values().forEach(sum -> {
            Tensor flat = sum.borrow().view(-1);
            for (long start = 0; start < flat.numel(); start += ELEMENTS) {
                blocks.add(flat.narrow(0, start, Math.min(ELEMENTS, flat.numel() - start)));
            }
        });
        return blocks;
    }

    @Override
    public double[] numbers() {
        return new double[0];
    }

    @Override
    public void add(double[] numbers) {
        // there are none
    }

    @Override
    public void close() {
        Retained.close(sums.values());
    }
}
