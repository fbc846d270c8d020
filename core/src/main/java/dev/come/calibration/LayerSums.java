package dev.come.calibration;

import dev.come.calibration.Calibration.Sensitivity;
import dev.come.model.ModelConfig;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * What went through a layer on a shard, as far as it may be added up there. Sums of float64 depend on their order, which is
 * that of the chunks: those of the first chunks are one sum, and those that follow are added by whoever has the sum
 * of all before them.
 *
 * @param attention sums of |activation| by channel of the input of the output projection, to be added one after the other
 * @param feedForward the same of the input of the down projection
 * @param outputLengths the L1 norm of each column of the output projection
 * @param downLengths the same of the down projection
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares sums
record LayerSums(List<double[]> attention, List<double[]> feedForward, double[] outputLengths, double[] downLengths)
        implements
            Serializable {
    LayerSums {
        attention = List.copyOf(attention);
        feedForward = List.copyOf(feedForward);
    }

    /**
     * Those of a layer on some chunks.
     *
     * @param first whether no chunk comes before them
     */
    static LayerSums of(List<ChannelSums> chunks, boolean first, double[] outputLengths, double[] downLengths) {
        List<double[]> attention = chunks.stream().map(ChannelSums::attention).toList();
        List<double[]> feedForward = chunks.stream().map(ChannelSums::feedForward).toList();
        return new LayerSums(first ? List.of(total(attention)) : attention,
                first ? List.of(total(feedForward)) : feedForward, outputLengths, downLengths);
    }

    private static double[] total(List<double[]> parts) {
        double[] total = {};
        for (double[] part : parts) {
            total = ChannelSums.sums(total, part);
        }
        return total;
    }

    /**
     * What heads and channels of a layer matter.
     *
     * @param shards all, in their order
     * @param tokens how many tokens they have
     */
    static Sensitivity sensitivity(List<LayerSums> shards, ModelConfig config, double tokens) {
        double[] attention = total(shards.stream().flatMap(shard -> shard.attention.stream()).toList());
        double[] feedForward = total(shards.stream().flatMap(shard -> shard.feedForward.stream()).toList());
        double[] outputLengths = shards.getFirst().outputLengths;
        double[] downLengths = shards.getFirst().downLengths;
        List<Double> channels = new ArrayList<>();
        for (int channel = 0; channel < feedForward.length; channel++) {
            channels.add(downLengths[channel] * feedForward[channel] / tokens);
        }
        List<Double> heads = new ArrayList<>();
        int width = config.groupSize() * config.headDim();
        for (int head = 0; head < config.keyValueHeads(); head++) {
            double sum = 0;
            for (int channel = head * width; channel < (head + 1) * width; channel++) {
                sum += outputLengths[channel] * attention[channel] / tokens;
            }
            heads.add(sum / width);
        }
        return new Sensitivity(heads, channels);
    }
}
