package dev.come.prune;

import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Sensitivity;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** CoMe's concatenation: of each layer of a window its most sensitive heads and channels, as many as its share of them. */
final class SensitiveParts {
    private final List<LayerNode> sources;
    private final List<Sensitivity> sensitivities;
    private final QueryHeads queryHeads;

    SensitiveParts(LayerStack stack, int position, int width, QueryHeads queryHeads, Calibration calibration) {
        this.sources = stack.window(position, width);
        this.sensitivities = IntStream.range(position, position + width)
                .mapToObj(source -> calibration.sensitivity(stack, source)).toList();
        this.queryHeads = queryHeads;
    }

    /** The recipe of the merged layer. */
    LayerNode concatenated(List<Double> ratio) {
        List<Integer> heads = MergeRatio.distribute(sensitivities.getFirst().keyValueHeads().size(), ratio);
        List<Integer> channels = MergeRatio.distribute(sensitivities.getFirst().channels().size(), ratio);
        List<Share> shares = new ArrayList<>();
        for (int i = 0; i < ratio.size(); i++) {
            shares.add(new Share(sources.get(i), ratio.get(i),
                    highest(sensitivities.get(i).keyValueHeads(), heads.get(i)),
                    highest(sensitivities.get(i).channels(), channels.get(i))));
        }
        return new Concatenated(shares, queryHeads);
    }

    /** The indices of the highest scores in their original order; the higher index on ties. */
    static List<Integer> highest(List<Double> scores, int count) {
        return IntStream.range(0, scores.size()).boxed()
                .sorted(Comparator.<Integer, Double>comparing(scores::get).reversed()
                        .thenComparing(Comparator.reverseOrder()))
                .limit(count).sorted().toList();
    }
}
