"""Comparing tokenizers, models, backends and settings under equal budgets.

matrix      which settings are compared, for which seeds
preparing   the settings as complete recipes, checked before anything is run
conduct     the runs, one after another; what is finished is not run again
measure     what is measured of a finished run
uncertainty, rate_distortion, ranking
            from measurements to rows, and whether a difference could be chance
table, plot, page
            what a reader sees
"""
