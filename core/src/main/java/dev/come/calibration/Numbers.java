package dev.come.calibration;

import dev.come.model.Tensors;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of a tensor, for a message; one of the two is there.
 *
 * @param wide float64
 * @param narrow float32
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares messages
public record Numbers(double @Nullable [] wide, float @Nullable [] narrow) implements Serializable {
    /** Those of a tensor of either type. */
    static Numbers of(Tensor tensor) {
        return tensor.scalar_type().value == ScalarType.Double.value
                ? new Numbers(Tensors.doubles(tensor), null)
                : new Numbers(null, Tensors.floats(tensor));
    }

    /** A tensor with these numbers and the shape of another, of the current PointerScope. */
    Tensor tensor(Tensor like) {
        Tensor flat = wide != null ? Tensor.create(wide) : Tensor.create(Objects.requireNonNull(narrow));
        return flat.view_as(like);
    }

    /** Whether all are zero. */
    boolean areZero() {
        if (wide != null) {
            return Arrays.stream(wide).allMatch(number -> number == 0);
        }
        float[] some = Objects.requireNonNull(narrow);
        for (float number : some) {
            if (number != 0) {
                return false;
            }
        }
        return true;
    }

    /** Adds others of the same type to these, element by element; these change. */
    public void add(Numbers others) {
        if (wide != null && others.wide != null) {
            for (int i = 0; i < wide.length; i++) {
                wide[i] += others.wide[i];
            }
        } else if (narrow != null && others.narrow != null) {
            for (int i = 0; i < narrow.length; i++) {
                narrow[i] += others.narrow[i];
            }
        } else {
            throw new IllegalArgumentException("numbers of two types");
        }
    }
}
