package dev.come.calibration;

import dev.come.failure.Opening;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;

/**
 * Some moments as one sum.
 *
 * @param moments closed with this, or by their takers
 */
record MomentSums(List<Moments> moments) implements LargeSums {
    MomentSums {
        moments = List.copyOf(moments);
    }

    /** How wide x and y of each are. */
    record Shape(List<Long> channels, List<Long> outputs) implements Serializable {
        /** Of moments that are there. */
        static Shape of(List<Moments> moments) {
            return new Shape(moments.stream().map(some -> some.products().size(0)).toList(),
                    moments.stream().map(some -> some.products().size(1)).toList());
        }

        /** Sums of nothing. */
        MomentSums nothing() {
            List<Moments> sums = new ArrayList<>();
            try (Opening opening = new Opening()) {
                for (int i = 0; i < channels.size(); i++) {
                    Moments sum = new Moments(channels.get(i), outputs.get(i));
                    opening.add(sum::close);
                    sums.add(sum);
                }
                opening.done();
            }
            return new MomentSums(sums);
        }
    }

    @Override
    public List<Tensor> blocks() {
        return moments.stream().flatMap(some -> some.blocks().stream()).toList();
    }

    @Override
    public double[] numbers() {
        return moments.stream().flatMapToDouble(some -> Arrays.stream(some.numbers())).toArray();
    }

    @Override
    public void add(double[] numbers) {
        int each = numbers.length / Math.max(1, moments.size());
        for (int i = 0; i < moments.size(); i++) {
            moments.get(i).add(Arrays.copyOfRange(numbers, i * each, (i + 1) * each));
        }
    }

    @Override
    public void close() {
        moments.forEach(Moments::close);
    }

    /** Those of both, which are closed with this. */
    static MomentSums of(Moments one, Moments other) {
        return new MomentSums(Stream.of(one, other).toList());
    }
}
