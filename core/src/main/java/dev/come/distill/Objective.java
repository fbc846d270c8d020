package dev.come.distill;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What tells hidden states from those that they should be. Each is a number for every token, which the mean is taken of; it is
 * zero where the states are equal, and so is its gradient.
 */
public enum Objective {
    /**
     * KL(softmax(teacher / temperature) || softmax(student / temperature)) over the hidden dimension, in nats; not multiplied
     * by the square of the temperature.
     */
    KL(1e-4) {
        @Override
        double sum(Tensor student, Tensor teacher, double temperature) {
            Tensor expected = logSoftmax(teacher, temperature);
            return total(expected.exp().mul(expected.sub(logSoftmax(student, temperature))));
        }

        @Override
        Tensor gradient(Tensor student, Tensor teacher, double temperature) {
            return softmax(student, temperature).sub(softmax(teacher, temperature))
                    .mul(new Scalar(1 / temperature));
        }
    },
    /** The mean of the squared differences over the hidden dimension. */
    MSE(1e-3) {
        @Override
        double sum(Tensor student, Tensor teacher, double temperature) {
            return total(student.sub(teacher).square()) / student.size(1);
        }

        @Override
        Tensor gradient(Tensor student, Tensor teacher, double temperature) {
            return student.sub(teacher).mul(new Scalar(2.0 / student.size(1)));
        }
    },
    /** 1 - cosine; a vector of zeros has the cosine 0 with every other. */
    COSINE(1e-3) {
        @Override
        double sum(Tensor student, Tensor teacher, double temperature) {
            return student.size(0) - total(unit(student).mul(unit(teacher)));
        }

        @Override
        Tensor gradient(Tensor student, Tensor teacher, double temperature) {
            Tensor one = unit(student);
            Tensor other = unit(teacher);
            Tensor cosine = one.mul(other).sum(1).unsqueeze(1);
            return one.mul(cosine).sub(other).div(length(student));
        }
    };

    /** Lengths below are taken for it, so that nothing is divided by zero. */
    private static final double LEAST_LENGTH = 1e-12;

    private final double rate;

    Objective(double rate) {
        this.rate = rate;
    }

    /** The highest learning rate of single layers where none is asked for; RESULTS.md has what was tried. */
    public double rate() {
        return rate;
    }

    /**
     * The sum over the tokens.
     *
     * @param student {@code (tokens, hidden)}, float32
     * @param teacher {@code (tokens, hidden)}, float32
     * @param temperature only {@link #KL} has one
     */
    abstract double sum(Tensor student, Tensor teacher, double temperature);

    /** The gradient of {@link #sum} with respect to the student's states, {@code (tokens, hidden)}. */
    abstract Tensor gradient(Tensor student, Tensor teacher, double temperature);

    private static Tensor logSoftmax(Tensor x, double temperature) {
        return x.div(new Scalar(temperature)).log_softmax(1);
    }

    private static Tensor softmax(Tensor x, double temperature) {
        return x.div(new Scalar(temperature)).softmax(1);
    }

    private static Tensor length(Tensor x) {
        return x.square().sum(1).sqrt().clamp_min(new Scalar(LEAST_LENGTH)).unsqueeze(1);
    }

    private static Tensor unit(Tensor x) {
        return x.div(length(x));
    }

    private static double total(Tensor x) {
        return x.to(ScalarType.Double).sum().item_double();
    }
}
